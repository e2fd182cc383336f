import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KvCache } from '../cache/kv-cache.js'
import { SchedulerBench } from '../testing/scheduler-bench.js'
import { measureSchedulerCost } from '../testing/scheduler-cost.js'
import { schedulerLimits } from '../testing/scheduler-limits.js'
import { keepsWaiting } from './batch-wait.js'
import { noBatchWait } from './budget.js'
import { equalShares } from './equal-progress.js'

const prompt = (length: number, first: number) => Int32Array.from({ length }, (_, i) => first * 1000 + i)

describe('MAX_UTILIZATION', () => {
  it('lets in who has room for what is known, and pauses the last one when it gets full', () => {
    const counts = (['MAX_UTILIZATION', 'GUARANTEED_NO_EVICT'] as const).map((policy) => {
      const bench = new SchedulerBench(schedulerLimits({ policy, prefixAware: false }), 12)
      for (let i = 0; i < 4; i++) bench.arrive({ promptIds: prompt(4, i), outputTokens: 24 })
      const first = bench.submit()!
      bench.complete()
      bench.drain()
      return { first: first.numAdmitted, pauses: bench.scheduler.pauses }
    })
    expect(counts).toEqual([
      { first: 4, pauses: expect.any(Number) },
      { first: 1, pauses: 0 },
    ])
    expect(counts[0]!.pauses).toBeGreaterThan(0)
  })
})

describe('STATIC_BATCH', () => {
  it('ends a batch before the next begins', () => {
    const bench = new SchedulerBench(schedulerLimits({ policy: 'STATIC_BATCH', maxBatchSize: 3 }), 60)
    for (let i = 0; i < 7; i++) bench.arrive({ promptIds: prompt(9, i), outputTokens: 2 + i })
    const batches: string[][] = []
    while (bench.alive.size > 0) {
      const before = bench.scheduler.running.map(({ id }) => id)
      bench.submit()
      const members = bench.scheduler.running.map(({ id }) => id)
      if (before.length === 0) batches.push(members)
      else batches[batches.length - 1] = [...new Set([...batches.at(-1)!, ...members])]
      bench.complete()
    }
    expect(batches).toEqual([['r0', 'r1', 'r2'], ['r3', 'r4', 'r5'], ['r6']])
  })
})

describe('EQUAL_PROGRESS', () => {
  it('advances prompts alike, where FIRST_COME_FIRST_SERVED serves the first', () => {
    const computed = (['EQUAL_PROGRESS', 'FIRST_COME_FIRST_SERVED'] as const).map((chunking) => {
      const bench = new SchedulerBench(schedulerLimits({ chunking, maxNumTokens: 24 }), 60)
      for (let i = 0; i < 3; i++) bench.arrive({ promptIds: prompt(40, i), outputTokens: 4 })
      bench.submit()
      bench.complete()
      const after = bench.scheduler.running.map((sequence) => sequence.computed)
      bench.drain()
      return after
    })
    expect(computed).toEqual([[8, 8, 8], [24]])
  })

  it('shares exactly, gives nobody more than it needs and wastes nothing', () => {
    const needs = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 12 })
    const property = fc.property(
      needs,
      fc.nat(1000),
      fc.integer({ min: 1, max: 32 }),
      (want, tokens, unit) => {
        const shares = equalShares(want, tokens, unit)
        const sum = shares.reduce((a, b) => a + b, 0)
        expect(sum).toBe(
          Math.min(
            tokens,
            want.reduce((a, b) => a + b, 0),
          ),
        )
        expect(shares.every((share, i) => share <= want[i]!)).toBe(true)
        const open = shares.filter((share, i) => share < want[i]!)
        if (open.length > 0) expect(Math.max(...shares)).toBeLessThanOrEqual(Math.min(...open) + unit)
      },
    )
    fc.assert(property, { numRuns: 1000, seed: 3 })
  })
})

describe('batch waiting', () => {
  const state = {
    numWaiting: 1,
    waitingTokens: 5,
    decodingTokens: 3,
    freeSlots: 4,
    heldMs: 0,
    heldSteps: 0,
  }
  const limits = (batchWait: Partial<typeof noBatchWait>) =>
    schedulerLimits({ batchWait: { ...noBatchWait, ...batchWait } })

  it('waits for steps only while others decode, and for time, and not once the batch is worth it', () => {
    const steps = limits({ timeoutIters: 2 })
    expect(keepsWaiting(state, limits({}))).toBe(false)
    expect(keepsWaiting(state, steps)).toBe(true)
    expect(keepsWaiting({ ...state, decodingTokens: 0 }, steps)).toBe(false)
    expect(keepsWaiting({ ...state, heldSteps: 2 }, steps)).toBe(false)
    expect(keepsWaiting({ ...state, numWaiting: 4 }, steps)).toBe(false)
    expect(keepsWaiting({ ...state, numWaiting: 0 }, steps)).toBe(false)
    expect(keepsWaiting({ ...state, waitingTokens: 13 }, steps)).toBe(false)
    expect(keepsWaiting(state, limits({ timeoutIters: 2, maxTokensRatio: 0.5 }))).toBe(false)
    expect(keepsWaiting({ ...state, heldMs: 9 }, limits({ timeoutMs: 10 }))).toBe(true)
    expect(keepsWaiting({ ...state, heldMs: 10 }, limits({ timeoutMs: 10 }))).toBe(false)
  })

  it('lets everybody in together, and says when at the latest', () => {
    const bench = new SchedulerBench(limits({ timeoutMs: 10 }), 60)
    bench.nowMs = 100
    bench.arrive({ promptIds: prompt(3, 1), outputTokens: 4 })
    expect(bench.submit()).toBeUndefined()
    expect(bench.scheduler.wakeAtMs).toBe(110)
    bench.nowMs = 105
    bench.arrive({ promptIds: prompt(3, 2), outputTokens: 4 })
    expect(bench.submit()).toBeUndefined()
    bench.nowMs = 110
    expect(bench.submit()?.numAdmitted).toBe(2)
    expect(bench.scheduler.wakeAtMs).toBeUndefined()
  })
})

describe('priorities', () => {
  it('let in the higher first and pause the lower first', () => {
    const bench = new SchedulerBench(schedulerLimits({ policy: 'MAX_UTILIZATION', prefixAware: false }), 8)
    const low = bench.arrive({ promptIds: prompt(8, 1), outputTokens: 16, level: 10 })
    const high = bench.arrive({ promptIds: prompt(8, 2), outputTokens: 16, level: 90 })
    expect(bench.submit()!.work.map(({ sequence }) => sequence)).toEqual([high, low])
    bench.complete()
    while (bench.scheduler.pauses === 0) {
      bench.submit()
      bench.complete()
    }
    expect([high.status, low.status]).toEqual(['running', 'paused'])
    bench.drain()
  })
})

describe('prefix-aware order', () => {
  it('keeps a sequence waiting for the prefix that another one computes, and nobody else', () => {
    const bench = new SchedulerBench(schedulerLimits({ maxNumTokens: 16 }), 60)
    const first = bench.arrive({ promptIds: prompt(24, 1), outputTokens: 2 })
    const twin = bench.arrive({ promptIds: prompt(24, 1), outputTokens: 2 })
    const other = bench.arrive({ promptIds: prompt(5, 2), outputTokens: 2 })
    bench.submit()
    expect([first.status, twin.status, other.status]).toEqual(['running', 'waiting', 'waiting'])
    bench.submit()
    expect([twin.status, other.status]).toEqual(['waiting', 'running'])
    bench.complete()
    bench.complete()
    bench.submit()
    expect(twin.status).toBe('running')
    expect(twin.cachedTokens).toBe(20)
    bench.drain()
  })

  it('does not wait for ever for a sequence that is cancelled', () => {
    const bench = new SchedulerBench(schedulerLimits({ maxNumTokens: 8 }), 60)
    const first = bench.arrive({ promptIds: prompt(24, 1), outputTokens: 2 })
    bench.arrive({ promptIds: prompt(24, 1), outputTokens: 2 })
    bench.submit()
    bench.finish(first)
    bench.drain()
  })
})

describe('reuse and the words of a step', () => {
  it('delivers the whole history of a sequence that needs it, and reuses no more than fits', () => {
    for (const needsHistory of [false, true]) {
      const limits = schedulerLimits({ maxDeltaWords: 40, maxNumTokens: 64 })
      const bench = new SchedulerBench(limits, 60)
      bench.arrive({ promptIds: prompt(60, 1), outputTokens: 2 })
      bench.drain()
      const again = bench.arrive({ promptIds: prompt(60, 1), outputTokens: 2, needsHistory })
      const { work } = bench.submit()!
      expect(work[0]!.deliverFrom).toBe(needsHistory ? 0 : 56)
      expect(again.cachedTokens).toBe(needsHistory ? 12 : 56)
      bench.drain()
    }
  })
})

describe('window pools', () => {
  it('hold a long sequence in the room of its window', () => {
    const limits = schedulerLimits({ numPools: 2, windows: [0, 8], maxNumTokens: 8 })
    const bench = new SchedulerBench(limits, [40, 8])
    for (let i = 0; i < 3; i++) bench.arrive({ promptIds: prompt(40, i), outputTokens: 30 })
    bench.drain()
    expect(bench.cache.poolCounts.every(({ free, total }) => free === total)).toBe(true)
  })

  it('hold more decoding sequences than a pool without a window', () => {
    const most = ([0, 8] as const).map((window) => {
      const cache = new KvCache([{ pages: 40, pageTokens: 4, window }], 40)
      const limits = schedulerLimits({
        windows: [window],
        maxBatchSize: 40,
        maxNumTokens: 40,
        maxDeltaWords: 4000,
      })
      const bench = new SchedulerBench({ ...limits, maxDeltas: 400, maxRows: 40 }, cache, 40)
      for (let i = 0; i < 40; i++) bench.arrive({ promptIds: prompt(8, i), outputTokens: 40 })
      let running = 0
      while (bench.alive.size > 0) {
        bench.submit()
        bench.complete()
        running = Math.max(running, bench.scheduler.running.length)
      }
      return running
    })
    expect(most[1]! / most[0]!).toBeGreaterThanOrEqual(1.8)
  })
})

describe('the cost of a decision', () => {
  it('does not grow with the number waiting', () => {
    const few = measureSchedulerCost(256, 100, 60).next
    const many = measureSchedulerCost(256, 10_000, 60).next
    // The figure itself is the benchmark's; other work on the machine may slow either of them down.
    expect(many).toBeLessThan(4 * few + 100)
  })
})
