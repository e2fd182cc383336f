import { defineOp, f32, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const rmsNormAddRmsNorm = defineOp({
  name: 'rms-norm-add-rms-norm',
  summary: 'sum = x + rmsNorm(y) * weight, both rounded to their type; normed = rmsNorm(sum) * nextWeight',
  inputs: {
    x: tensor('rows', 'dim'),
    y: tensor('rows', 'dim'),
    weight: f32('dim'),
    nextWeight: f32('dim'),
  },
  outputs: { sum: like('x', 'rows', 'dim'), normed: like('x', 'rows', 'dim') },
  attributes: { eps: 'f32', nextEps: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 4 * rows! * dim! * size + 8 * dim!, flops: 9 * rows! * dim! }),
  cases: sizes(
    'rows',
    'dim',
    [
      [1, 1],
      [1, 16],
      [3, 17],
      [7, 384],
      [5, 1003],
      [33, 2048],
      [2, 8192],
    ],
    { eps: 1e-5, nextEps: 1e-6 },
  ),
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 2e-2 },
})
