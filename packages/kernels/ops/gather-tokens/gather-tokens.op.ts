import { defineOp, i32, state } from '../../src/define-op.js'
import { integers } from '../../src/op-cases.js'

export const gatherTokens = defineOp({
  name: 'gather-tokens',
  summary: 'ids[t] = slotTokens[tokenSlot[t], positions[t]]',
  inputs: { tokenSlot: i32('tokens'), positions: i32('tokens'), slotTokens: state('i32', 'slots', 'length') },
  outputs: { ids: { dims: ['tokens'], dtype: 'i32' } },
  attributes: {},
  cost: ({ tokens }) => ({ bytes: 16 * tokens!, flops: 0 }),
  cases: [
    { name: '1', dims: { tokens: 1, slots: 1, length: 1 }, dtype: 'f32' },
    { name: '77', dims: { tokens: 77, slots: 5, length: 129 }, dtype: 'f32' },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: ({ dims: { tokens = 1, slots = 1, length = 1 } }, random) => ({
    tokenSlot: integers(tokens, 0, slots, random),
    positions: integers(tokens, 0, length, random),
    slotTokens: integers(slots * length, 0, 100_000, random),
  }),
})
