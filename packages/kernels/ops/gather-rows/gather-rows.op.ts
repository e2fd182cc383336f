import { defineOp, i32, like, tensor } from '../../src/define-op.js'
import { eachFloat, integers } from '../../src/op-cases.js'

export const gatherRows = defineOp({
  name: 'gather-rows',
  summary: 'y[r] = x[index[r]]',
  inputs: { x: tensor('tokens', 'dim'), index: i32('rows') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: {},
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: 0 }),
  cases: eachFloat([
    { name: '1 of 1x1', dims: { tokens: 1, rows: 1, dim: 1 } },
    { name: '3 of 7x17', dims: { tokens: 7, rows: 3, dim: 17 } },
    { name: '40 of 64x384', dims: { tokens: 64, rows: 40, dim: 384 } },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: ({ dims: { tokens = 1, rows = 1 } }, random) => ({
    index: integers(rows, 0, tokens, random),
  }),
})
