import { defineOp, f32, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const rmsNormAdd = defineOp({
  name: 'rms-norm-add',
  summary: 'sum = x + rmsNorm(y) * weight, the norm rounded to its type before it is added',
  inputs: { x: tensor('rows', 'dim'), y: tensor('rows', 'dim'), weight: f32('dim') },
  outputs: { sum: like('x', 'rows', 'dim') },
  attributes: { eps: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 3 * rows! * dim! * size + 4 * dim!, flops: 5 * rows! * dim! }),
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
