import { quantizedLinearOp } from '../../src/quantized-linear-op.js'

/* Exact meaning: y[r, o] = weightScale[o] * sum over k of x[r, k] * weight[o, k], plus bias[o], accumulated in f32. */
export const linearI8 = quantizedLinearOp(
  'linear-i8',
  'i8',
  'y = x * (weight * weightScale)^T + bias for weights in i8, accumulated in f32',
)
