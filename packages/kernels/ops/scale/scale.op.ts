import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const scale = defineOp({
  name: 'scale',
  summary: 'y = x * factor',
  inputs: { x: tensor('rows', 'dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: { factor: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: 1 * rows! * dim! }),
  cases: sizes(
    'rows',
    'dim',
    [
      [1, 1],
      [3, 17],
      [1, 384],
      [19, 1024],
      [5, 4099],
    ],
    { factor: 0.0625 },
  ),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
