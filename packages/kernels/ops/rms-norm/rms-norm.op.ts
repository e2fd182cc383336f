import { defineOp, f32, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const rmsNorm = defineOp({
  name: 'rms-norm',
  summary: 'y = x / sqrt(mean(x^2) + eps) * weight, over the last axis',
  inputs: { x: tensor('rows', 'dim'), weight: f32('dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: { eps: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: (2 * rows! + 1) * dim! * size, flops: 4 * rows! * dim! }),
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
    { eps: 1e-5 },
  ),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
