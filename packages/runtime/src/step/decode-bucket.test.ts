import { stepLayout } from '@trtllm/graph'
import { describe, expect, it } from 'vitest'
import { deltaCapacity } from '../scheduler/budget.js'
import { decodeBuckets, padDecodeStep } from './decode-bucket.js'

describe('sizes of recorded decode steps', () => {
  it.each([1, 2, 3, 64, 100, 256, 2048])(
    'hold every batch up to %i with at most a quarter more rows',
    (most) => {
      const buckets = decodeBuckets(most)
      expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b))
      for (let size = 1; size <= most; size++) {
        const bucket = buckets.find((each) => each >= size)!
        expect(bucket).toBeLessThanOrEqual(Math.min(most, size * 1.25 + 1))
      }
      expect(buckets.length).toBeLessThanOrEqual(40)
    },
  )
})

describe('padding a decode step', () => {
  const sizes = { maxBatchSize: 8, maxNumTokens: 16, pageTokens: 32, numPools: 1 }
  const limits = { maxTokens: 16, maxRows: 8, maxSeqs: 8, numSlots: 8, maxSeqLen: 64 }
  const { maxDeltas, maxDeltaWords } = deltaCapacity(sizes)
  const layout = stepLayout({ ...limits, pageTokens: 32, numPools: 1, maxDeltas, maxDeltaWords })
  const untouched = 0x5a5a5a5a

  it('adds rows without slots and tokens of no sequence, and touches nothing else', () => {
    const slab = new Int32Array(layout.slabWords).fill(untouched)
    padDecodeStep(slab, layout, 3, 6)
    const { slab: at } = layout
    for (const [name, section] of Object.entries(at)) {
      const words = [...slab.subarray(section.offset, section.offset + section.length)]
      const written = words.map((word) => word !== untouched)
      if (['numDeltas', 'deltas', 'deltaData', 'numCopies', 'copies'].includes(name))
        expect(written).not.toContain(true)
      else if (name === 'seqStart')
        expect(words.slice(0, 8)).toEqual([...Array(3).fill(untouched), 3, 3, 3, 3, untouched])
      else {
        const value = ['tokenSlot', 'seqSlot', 'rowSlot'].includes(name) ? -1 : 0
        expect(words.slice(0, 7), name).toEqual([...Array(3).fill(untouched), value, value, value, untouched])
      }
    }
  })

  it('changes nothing when the step has a recorded size', () => {
    const slab = new Int32Array(layout.slabWords).fill(untouched)
    padDecodeStep(slab, layout, 4, 4)
    expect(slab.filter((word) => word !== untouched)).toEqual(new Int32Array([4]))
  })
})
