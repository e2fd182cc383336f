import { describe, expect, it } from 'vitest'
import { SchedulerBench } from '../testing/scheduler-bench.js'
import { schedulerLimits } from '../testing/scheduler-limits.js'
import { pagesOfPool } from './pool-sizes.js'

const pageTokens = 32
const window = 128
const sizing = { pageTokens, maxSeqLen: 8192, maxNumTokens: 8192, maxInFlightSteps: 2 }

/** Sequences of 8,192 tokens that decode at once when each of two pools, every other layer with a window, has its pages. */
function mostDecoding(pages: readonly number[], windows: readonly number[]): number {
  const numPools = windows.length
  const limits = schedulerLimits({
    pageTokens,
    numPools,
    windows,
    maxBatchSize: 256,
    maxNumTokens: 8192,
    maxRows: 256,
    maxDeltas: 2048,
    maxDeltaWords: 65_536,
    policy: 'GUARANTEED_NO_EVICT',
    prefixAware: false,
  })
  const bench = new SchedulerBench(limits, pages)
  for (let i = 0; i < 256; i++) {
    const promptIds = new Int32Array(7900).fill(i + 1)
    bench.arrive({ promptIds, outputTokens: 292 })
  }
  let most = 0
  for (let step = 0; step < 280; step++) {
    while (bench.inFlight.length < 2 && bench.submit());
    bench.complete()
    most = Math.max(most, bench.scheduler.running.length)
  }
  bench.scheduler.check()
  return most
}

describe('sizes of window pools', () => {
  it('hold at least 1.8 times the sequences of one flat pool where every other layer has a short window', () => {
    // The same bytes either way: a page of either pool is as large, and there are 64 x 8,192 tokens of both.
    const budget = 2 * 64 * 256
    let pages = budget
    while (pages + pagesOfPool(window, pages, sizing) > budget) pages--
    const flat = mostDecoding([budget / 2, budget / 2], [0, 0])
    const sized = mostDecoding([pages, pagesOfPool(window, pages, sizing)], [0, window])
    expect(flat).toBe(64)
    expect(sized / flat).toBeGreaterThanOrEqual(1.8)
  })

  it('never exceed those of other pools, and always hold the longest prompt', () => {
    for (const maxSeqLen of [64, 300, 8192, 131_072]) {
      for (const own of [1, 32, 512, 4096, 200_000]) {
        for (const pages of [1, Math.ceil(maxSeqLen / 32), 9000]) {
          const count = pagesOfPool(own, pages, { ...sizing, maxSeqLen })
          expect(count).toBeLessThanOrEqual(pages)
          const needed = Math.min(pages, Math.ceil(maxSeqLen / 32), Math.ceil((own + 16_384) / 32) + 1)
          expect(count).toBeGreaterThanOrEqual(needed)
        }
      }
    }
    expect(pagesOfPool(0, 77, sizing)).toBe(77)
  })
})
