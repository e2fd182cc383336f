import { quantizedLinearOp } from '../../src/quantized-linear-op.js'

/*
 * Exact meaning: y[r, o] = weightScale[o] * sum over k of x[r, k] * weight[o, k], plus bias[o], accumulated in f32. A
 * kernel may round each row of x to f8 times a scale of its own (largest magnitude / 448) before it multiplies: with
 * many rows that doubles the arithmetic a GPU does, with few it only loses accuracy.
 */
export const linearF8 = quantizedLinearOp(
  'linear-f8',
  'f8',
  'y = x * (weight * weightScale)^T + bias for weights in f8, accumulated in f32; rows of x may be rounded to f8',
)
