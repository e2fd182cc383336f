import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const geluTanhMul = defineOp({
  name: 'gelu-tanh-mul',
  summary: 'y = gelu-tanh(gate) * up, rounded once',
  inputs: { gate: tensor('rows', 'dim'), up: tensor('rows', 'dim') },
  outputs: { y: like('gate', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: 3 * rows! * dim! * size, flops: 9 * rows! * dim! }),
  cases: sizes('rows', 'dim', [
    [1, 1],
    [3, 17],
    [1, 384],
    [19, 1024],
    [5, 4099],
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
