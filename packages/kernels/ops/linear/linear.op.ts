import { defineOp, like, optional, tensor, weight } from '../../src/define-op.js'
import { eachFloat } from '../../src/op-cases.js'

export const linear = defineOp({
  name: 'linear',
  summary: 'y = x * weight^T + bias, accumulated in f32',
  inputs: { x: tensor('rows', 'in'), weight: weight('out', 'in'), bias: optional(tensor('out')) },
  outputs: { y: { ...like('x', 'rows', 'out'), orF32: true } },
  attributes: {},
  cost: (d, size) => ({
    bytes: (d.rows! * (d.in! + d.out!) + d.in! * d.out!) * size,
    flops: 2 * d.rows! * d.in! * d.out!,
  }),
  cases: [
    ...eachFloat([
      { name: '1x1x1', dims: { rows: 1, in: 1, out: 1 } },
      { name: '3x17x5 no bias', dims: { rows: 3, in: 17, out: 5 }, without: ['bias'] },
      { name: '1x384x384', dims: { rows: 1, in: 384, out: 384 }, without: ['bias'] },
      { name: '5x1023x49', dims: { rows: 5, in: 1023, out: 49 } },
      {
        name: '13x288x100 to f32',
        dims: { rows: 13, in: 288, out: 100 },
        without: ['bias'],
        f32Results: ['y'],
      },
      { name: '64x512x257', dims: { rows: 64, in: 512, out: 257 } },
      { name: '70x130x64', dims: { rows: 70, in: 130, out: 64 } },
      { name: '211x96x33', dims: { rows: 211, in: 96, out: 33 }, without: ['bias'] },
      // Few rows and packed: a lone column, an odd end of k, more columns than large blocks serve, results in f32.
      { name: '2x8x1', dims: { rows: 2, in: 8, out: 1 } },
      { name: '8x1000x33', dims: { rows: 8, in: 1000, out: 33 }, without: ['bias'] },
      { name: '7x264x4250', dims: { rows: 7, in: 264, out: 4250 } },
      { name: '5x1032x50', dims: { rows: 5, in: 1032, out: 50 } },
      { name: '6x544x40 to f32', dims: { rows: 6, in: 544, out: 40 }, f32Results: ['y'] },
      { name: '9x512x64', dims: { rows: 9, in: 512, out: 64 } },
    ]),
  ],
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
})
