import { defineOp, like, tensor } from '../../src/define-op.js'
import { eachFloat } from '../../src/op-cases.js'

export const allGather = defineOp({
  name: 'all-gather',
  summary: 'y = the ranks\u2019 x side by side along the last axis',
  inputs: { x: tensor('rows', 'part') },
  outputs: { y: like('x', 'rows', 'whole') },
  attributes: { ranks: 'i32', whole: 'i32' },
  cost: ({ rows, whole }, size) => ({ bytes: 2 * rows! * whole! * size, flops: 0 }),
  cases: eachFloat([
    { name: '1x1', dims: { rows: 1, part: 1, whole: 1 }, attributes: { ranks: 1, whole: 1 } },
    { name: '5x385', dims: { rows: 5, part: 385, whole: 385 }, attributes: { ranks: 1, whole: 385 } },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
