import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const geluTanh = defineOp({
  name: 'gelu-tanh',
  summary: 'y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))',
  inputs: { x: tensor('rows', 'dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: 8 * rows! * dim! }),
  cases: sizes('rows', 'dim', [
    [1, 1],
    [3, 17],
    [1, 384],
    [19, 1024],
    [5, 4099],
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
