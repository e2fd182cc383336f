import { defineOp, f32, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const scaleRows = defineOp({
  name: 'scale-rows',
  summary: 'y[r] = x[r] * factor[r]',
  inputs: { x: tensor('rows', 'dim'), factor: f32('rows', 1) },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: rows! * (2 * dim! * size + 4), flops: rows! * dim! }),
  cases: sizes('rows', 'dim', [
    [1, 1],
    [3, 17],
    [19, 1024],
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
