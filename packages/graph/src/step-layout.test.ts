import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageTokens, type StepLimits, stepLayout, type WordSection } from './step-layout.js'

const limits: StepLimits = {
  maxTokens: 100,
  maxRows: 8,
  maxSeqs: 4,
  numSlots: 4,
  maxSeqLen: 63,
  pageTokens,
  numPools: 2,
  maxDeltas: 16,
  maxDeltaWords: 300,
}

describe('stepLayout', () => {
  it('gives each section the words the step needs', () => {
    const { slab, result, state, maxPages } = stepLayout(limits)
    expect(slab.numDeltas).toEqual({ offset: 0, length: 1 })
    expect(slab.deltas).toEqual({ offset: 64, length: 48 })
    expect(slab.deltaData).toEqual({ offset: 128, length: 300 })
    expect(slab.tokenSlot).toEqual({ offset: 448, length: 100 })
    expect(slab.seqStart.length).toBe(5)
    expect(result.topIds.length).toBe(160)
    expect(maxPages).toBe(2)
    expect(state.slotTokens).toEqual({ offset: 0, rowWords: 64 })
    expect(state.pageTable).toEqual([
      { offset: 256, rowWords: 2 },
      { offset: 320, rowWords: 2 },
    ])
    expect(state.sampling).toEqual({ offset: 384, rowWords: 32 })
    expect(state.lists).toEqual({ offset: 512, rowWords: 3136 })
    expect(stepLayout(limits).stateWords).toBe(512 + 4 * 3136)
  })

  it('keeps room for the id sampled after the last position', () => {
    expect(stepLayout({ ...limits, maxSeqLen: 64 }).maxPages).toBe(3)
  })

  it('never overlaps sections and aligns each to 256 bytes', () => {
    const size = fc.integer({ min: 1, max: 5000 })
    fc.assert(
      fc.property(size, size, size, size, (maxTokens, maxRows, maxSeqs, maxDeltas) => {
        const layout = stepLayout({ ...limits, maxTokens, maxRows, maxSeqs, maxDeltas })
        expectDisjoint(Object.values(layout.slab), layout.slabWords)
        expectDisjoint(Object.values(layout.result), layout.resultWords)
        const { slotTokens, pageTable, sampling, lists } = layout.state
        const sections = [slotTokens, ...pageTable, sampling, lists].map(({ offset, rowWords }) => ({
          offset,
          length: rowWords * limits.numSlots,
        }))
        expectDisjoint(sections, layout.stateWords)
      }),
    )
  })

  it('refuses limits that are not whole numbers above zero', () => {
    expect(() => stepLayout({ ...limits, maxRows: 0 })).toThrow('maxRows is 0, expected a whole number')
    expect(() => stepLayout({ ...limits, maxTokens: 1.5 })).toThrow('maxTokens is 1.5')
  })

  it('refuses a state that deltas cannot address', () => {
    expect(() => stepLayout({ ...limits, numSlots: 1 << 16, maxSeqLen: 1 << 20 })).toThrow(
      'lower max_batch_size or max_seq_len',
    )
  })
})

function expectDisjoint(sections: readonly WordSection[], words: number): void {
  let end = 0
  for (const { offset, length } of [...sections].sort((a, b) => a.offset - b.offset)) {
    expect(offset % 64).toBe(0)
    expect(offset).toBeGreaterThanOrEqual(end)
    end = offset + length
  }
  expect(words).toBeGreaterThanOrEqual(end)
}
