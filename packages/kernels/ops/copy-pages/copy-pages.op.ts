import { defineOp, i32, state, updated } from '../../src/define-op.js'
import { eachCache, pageTokens, shuffled } from '../../src/op-cases.js'

/*
 * A record is (lane, source page, destination page, tokens). Only records of this node's lane are carried out: one list
 * serves the nodes of many caches. `source` may be the cache itself; no page is both source and destination of one list.
 */
export const copyPages = defineOp({
  name: 'copy-pages',
  summary:
    'copies the first tokens of pages, a run for the keys and one for the values of each head, or one in all: for each record (lane, from, to, n) of this lane cache[to, :, 0..n) = source[from, :, 0..n)',
  inputs: {
    copies: i32('maxCopies', 4),
    numCopies: i32(1),
    source: state('cache', 'sourcePages', 'runs', 'pageTokens', 'width'),
    cache: state({ like: 'source' }, 'pages', 'runs', 'pageTokens', 'width'),
  },
  outputs: { cache: updated('cache', 'pages', 'runs', 'pageTokens', 'width') },
  attributes: { lane: 'i32' },
  cost: (d, size) => ({ bytes: 2 * d.maxCopies! * d.runs! * d.pageTokens! * d.width! * size, flops: 0 }),
  cases: eachCache([
    { name: 'none', dims: { maxCopies: 1, sourcePages: 1, pages: 1, runs: 1, pageTokens, width: 8 } },
    {
      name: '5 of lane 2',
      dims: { maxCopies: 12, sourcePages: 9, pages: 20, runs: 6, pageTokens, width: 80 },
      attributes: { lane: 2 },
    },
    {
      name: 'odd widths',
      dims: { maxCopies: 7, sourcePages: 4, pages: 6, runs: 3, pageTokens, width: 5 },
    },
  ]),
  tolerance: { f32: 0, f16: 0, bf16: 0, f8: 0 },
  // Every other record is of another lane, and names pages that do not exist. Lengths go from one token to a whole page.
  makeInputs: (opCase, random) => {
    const { maxCopies = 1, sourcePages = 1, pages = 1 } = opCase.dims
    const { lane = 0 } = opCase.attributes ?? {}
    const count = maxCopies === 1 ? 0 : maxCopies - 2
    const copies = new Int32Array(maxCopies * 4).fill(-7)
    const to = shuffled(pages, random)
    for (let i = 0; i < count; i++) {
      const from = Math.floor(random() * sourcePages)
      const tokens = i === 0 ? pageTokens : 1 + Math.floor(random() * pageTokens)
      copies.set(i % 2 === 0 ? [lane, from, to[i] ?? 0, tokens] : [lane + 1, 1 << 20, 1 << 20, 1], i * 4)
    }
    return { copies, numCopies: Int32Array.of(count) }
  },
})
