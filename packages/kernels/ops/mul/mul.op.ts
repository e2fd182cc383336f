import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const mul = defineOp({
  name: 'mul',
  summary: 'z = x * y',
  inputs: { x: tensor('rows', 'dim'), y: tensor('rows', 'dim') },
  outputs: { z: like('x', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: 3 * rows! * dim! * size, flops: rows! * dim! }),
  cases: sizes('rows', 'dim', [
    [1, 1],
    [3, 17],
    [1, 384],
    [19, 1024],
    [5, 4099],
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
