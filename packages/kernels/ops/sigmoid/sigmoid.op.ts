import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const sigmoid = defineOp({
  name: 'sigmoid',
  summary: 'y = 1 / (1 + exp(-x))',
  inputs: { x: tensor('rows', 'dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: 4 * rows! * dim! }),
  cases: sizes('rows', 'dim', [
    [1, 1],
    [70, 1],
    [3, 17],
    [19, 1024],
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
