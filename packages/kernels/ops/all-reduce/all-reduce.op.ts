import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const allReduce = defineOp({
  name: 'all-reduce',
  summary: 'y = the sum of x over the ranks of the mesh, added in rank order',
  inputs: { x: tensor('rows', 'dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: { ranks: 'i32' },
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: rows! * dim! }),
  cases: sizes(
    'rows',
    'dim',
    [
      [1, 1],
      [5, 385],
    ],
    { ranks: 1 },
  ),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
