import { defineOp, i32, state, tensor, updated } from '../../src/define-op.js'
import { cacheDims, eachCache, stepSequences } from '../../src/op-cases.js'

export const kvWrite = defineOp({
  name: 'kv-write',
  summary:
    'writes the step keys and values to their pages: cache[pageTable[slot, p / pageTokens], 0 or 1, head, p % pageTokens]; an f8 cache gets f8(k * (1 / keyScale)) and f8(v * (1 / valueScale)), 1 / scale rounded to f32, rounded to nearest even, 448 at most',
  inputs: {
    k: tensor('tokens', 'kvHeads', 'headDim'),
    v: tensor('tokens', 'kvHeads', 'headDim'),
    tokenSlot: i32('tokens'),
    positions: i32('tokens'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('cache', 'pages', 2, 'kvHeads', 'pageTokens', 'headDim'),
  },
  outputs: { cache: updated('cache', 'pages', 2, 'kvHeads', 'pageTokens', 'headDim') },
  attributes: { keyScale: 'factor', valueScale: 'factor' },
  cost: (d, size) => ({ bytes: 4 * d.tokens! * d.kvHeads! * d.headDim! * size, flops: 0 }),
  cases: eachCache([
    { name: '1 token', dims: { ...cacheDims(1, 1, 1, 1), tokens: 1, kvHeads: 1, headDim: 16 } },
    { name: '50 tokens of 3', dims: { ...cacheDims(3, 4, 3, 2), tokens: 50, kvHeads: 2, headDim: 64 } },
    { name: '130 tokens of 5', dims: { ...cacheDims(5, 6, 5, 40), tokens: 130, kvHeads: 3, headDim: 80 } },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2, f8: 0 },
  makeInputs: ({ dims }, random) => {
    const { tokenSlot, positions, pageTable } = stepSequences(dims, random)
    return { tokenSlot, positions, pageTable }
  },
})
