import { defineOp, f32, like, optional, tensor } from '../../src/define-op.js'
import { eachFloat, integers } from '../../src/op-cases.js'

/** Rows and columns of the weight that one scale is for. */
const block = 128

const sizes = (rows: number, columns: number, out: number) => ({
  rows,
  in: columns,
  out,
  outBlocks: Math.ceil(out / block),
  inBlocks: Math.ceil(columns / block),
})

const shapes = [
  { name: '1x1x1', dims: sizes(1, 1, 1) },
  { name: '3x17x5 no bias', dims: sizes(3, 17, 5), without: ['bias'] },
  { name: '1x384x384', dims: sizes(1, 384, 384), without: ['bias'] },
  { name: '5x1022x149', dims: sizes(5, 1022, 149) },
  { name: '7x1056x576', dims: sizes(7, 1056, 576), without: ['bias'] },
  { name: '13x288x100 to f32', dims: sizes(13, 288, 100), without: ['bias'], f32Results: ['y'] },
  { name: '20x640x704', dims: sizes(20, 640, 704) },
  { name: '64x512x257', dims: sizes(64, 512, 257) },
  { name: '211x96x48', dims: sizes(211, 96, 48), without: ['bias'] },
  { name: '300x640x704', dims: sizes(300, 640, 704), without: ['bias'] },
]

/*
 * Exact meaning: y[r, o] = sum over k of x[r, k] * (weight[o, k] * weightScale[o / 128, k / 128]), plus bias[o], accumulated
 * in f32. A kernel may round each run of 128 elements of a row of x to f8 times a scale of its own (largest magnitude / 448).
 */
export const linearF8Blocks = defineOp({
  name: 'linear-f8-blocks',
  summary:
    'y = x * (weight * weightScale)^T + bias for f8 weights with a scale for each 128 x 128 of them, accumulated in f32',
  inputs: {
    x: tensor('rows', 'in'),
    weight: { dims: ['out', 'in'], dtype: 'f8', role: 'weight' },
    weightScale: f32('outBlocks', 'inBlocks'),
    bias: optional(tensor('out')),
  },
  outputs: { y: { ...like('x', 'rows', 'out'), orF32: true } },
  attributes: {},
  cost: (d, size) => ({
    bytes: d.rows! * (d.in! + d.out!) * size + d.in! * d.out! + 4 * d.outBlocks! * d.inBlocks!,
    flops: 2 * d.rows! * d.in! * d.out!,
  }),
  cases: eachFloat(shapes),
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
  makeInputs({ dims: { rows = 1, in: columns = 1, out = 1, outBlocks = 1, inBlocks = 1 } }, random) {
    // Eighths up to 14 with one of 14 in each run: f8 holds them exactly times a power of two, so that rounding x changes
    // nothing and a kernel that does it is held to the same tolerance.
    const x = Float32Array.from(integers(rows * columns, -14, 15, random), (n) => n / 8)
    for (let row = 0; row < rows; row++) {
      for (let from = 0; from < columns; from += block) {
        const run = Math.min(block, columns - from)
        x[row * columns + from + Math.floor(random() * run)] = 1.75
      }
    }
    const weightScale = Float32Array.from({ length: outBlocks * inBlocks }, () => (0.5 + random()) / 128)
    const weight = Float32Array.from(integers(out * columns, -16, 17, random))
    return { x, weight, weightScale }
  },
})
