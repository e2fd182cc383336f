import { defineOp, i32, state, tensor, updated } from '../../src/define-op.js'
import { cacheDims, eachFloat, stepSequences } from '../../src/op-cases.js'

export const latentWrite = defineOp({
  name: 'latent-write',
  summary:
    'writes the step latent vectors, each with its rotated position part behind it, to their pages: cache[pageTable[slot, p / pageTokens], p % pageTokens] = (latent, pe); width = rank + ropeDim',
  inputs: {
    latent: tensor('tokens', 'rank'),
    pe: tensor('tokens', 1, 'ropeDim'),
    tokenSlot: i32('tokens'),
    positions: i32('tokens'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('float', 'pages', 'pageTokens', 'width'),
  },
  outputs: { cache: updated('cache', 'pages', 'pageTokens', 'width') },
  attributes: {},
  cost: (d, size) => ({ bytes: 2 * d.tokens! * d.width! * size, flops: 0 }),
  cases: eachFloat([
    { name: '1 token', dims: { ...cacheDims(1, 1, 1, 1), tokens: 1, rank: 16, ropeDim: 8, width: 24 } },
    { name: '50 of 3', dims: { ...cacheDims(3, 4, 3, 2), tokens: 50, rank: 512, ropeDim: 64, width: 576 } },
    { name: '130 of 5', dims: { ...cacheDims(5, 6, 5, 40), tokens: 130, rank: 21, ropeDim: 6, width: 27 } },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: ({ dims }, random) => {
    const { tokenSlot, positions, pageTable } = stepSequences(dims, random)
    return { tokenSlot, positions, pageTable }
  },
})
