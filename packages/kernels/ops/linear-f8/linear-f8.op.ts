import type { OpCase } from '../../src/define-op.js'
import { quantizedLinearOp } from '../../src/quantized-linear-op.js'

// Shapes that want different tiles on a large GPU.
const tiles: OpCase[] = [
  { name: '17x512x5000 bf16', dims: { rows: 17, in: 512, out: 5000 }, dtype: 'bf16' },
  { name: '70x512x3000 f16', dims: { rows: 70, in: 512, out: 3000 }, dtype: 'f16' },
  { name: '9x1024x9000 bf16', dims: { rows: 9, in: 1024, out: 9000 }, dtype: 'bf16' },
  { name: '130x256x9000 f16', dims: { rows: 130, in: 256, out: 9000 }, dtype: 'f16' },
  { name: '130x256x13000 bf16', dims: { rows: 130, in: 256, out: 13000 }, dtype: 'bf16' },
]

/*
 * Exact meaning: y[r, o] = weightScale[o] * sum over k of x[r, k] * weight[o, k], plus bias[o], accumulated in f32. A
 * kernel may round each row of x to f8 times a scale of its own (largest magnitude / 448) before it multiplies: with
 * many rows that doubles the arithmetic a GPU does, with few it only loses accuracy.
 */
export const linearF8 = quantizedLinearOp(
  'linear-f8',
  'f8',
  'y = x * (weight * weightScale)^T + bias for weights in f8, accumulated in f32; rows of x may be rounded to f8',
  tiles,
)
