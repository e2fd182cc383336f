import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SchedulerBench } from '../testing/scheduler-bench.js'
import { schedulerLimits } from '../testing/scheduler-limits.js'
import { type CapacityPolicy, type ChunkingPolicy, noBatchWait, type SchedulerLimits } from './budget.js'

const limitsOf = schedulerLimits

const newBench = (limits: SchedulerLimits, pages: number, numSlots?: number) =>
  new SchedulerBench(limits, pages, numSlots)
/** A sequence whose prompt is all zeros, so that everybody shares prefixes. */
const arrive = (
  to: SchedulerBench,
  promptTokens: number,
  outputTokens: number,
  limited: boolean,
  promptRows = false,
) => to.arrive({ promptIds: new Int32Array(promptTokens), outputTokens, limited, promptRows })

describe('scheduler', () => {
  it('mixes decode rows and prefill chunks, decode first', () => {
    const bench = newBench(limitsOf(), 64)
    arrive(bench, 4, 8, true)
    bench.submit()
    bench.complete()
    arrive(bench, 40, 8, true)
    const step = bench.submit()!
    expect(step.work.map((item) => [item.sequence.id, item.tokens, item.samples])).toEqual([
      ['r0', 1, true],
      ['r1', 15, false],
    ])
  })

  it('never lets a later request overtake the head of the line', () => {
    const bench = newBench(limitsOf(), 10)
    arrive(bench, 4, 20, true)
    const large = arrive(bench, 4, 30, true)
    const small = arrive(bench, 1, 1, true)
    bench.submit()
    expect(large.status).toBe('waiting')
    expect(small.status).toBe('waiting')
    bench.drain()
  })

  it('pauses the youngest when a sequence outgrows its reservation and brings it back with its tokens', () => {
    const bench = newBench(limitsOf({ reserveTokens: 4 }), 8)
    const old = arrive(bench, 4, 24, false)
    const young = arrive(bench, 4, 24, false)
    while (young.status !== 'paused') {
      bench.submit()
      bench.complete()
      bench.scheduler.check()
    }
    const kept = [...young.generatedIds]
    expect(kept.length).toBeGreaterThan(0)
    expect(old.status).toBe('running')
    bench.drain()
    expect(young.generatedIds.length).toBe(24)
    expect(young.generatedIds.slice(0, kept.length)).toEqual(kept)
  })

  it('goes on when a sequence that pins pages of an ended twin has to pause for itself', () => {
    const limits = limitsOf({ policy: 'MAX_UTILIZATION', prefixAware: false, maxNumTokens: 32 })
    const bench = newBench(limits, 5)
    const twin = arrive(bench, 8, 12, true)
    const other = arrive(bench, 8, 12, true)
    bench.submit()
    bench.complete()
    bench.finish(twin)
    bench.drain()
    expect(other.generatedIds.length).toBe(12)
    expect(bench.cache.counts).toEqual({ total: 5, free: 5, pending: 0 })
  })

  it('takes thousands that end together out in one go', () => {
    const count = 30_000
    const many = { maxBatchSize: count, maxNumTokens: count, maxRows: count }
    const bench = newBench(limitsOf({ ...many, maxDeltas: 4 * count, maxDeltaWords: 64 * count }), 2 * count)
    for (let i = 0; i < count; i++) arrive(bench, 1, 1, true)
    expect(bench.submit()?.numAdmitted).toBe(count)
    const startMs = performance.now()
    bench.complete()
    // Each by itself would move all the others: twenty seconds.
    expect(performance.now() - startMs).toBeLessThan(2000)
    expect(bench.scheduler.running).toEqual([])
    bench.scheduler.check()
  })

  it('never pauses under GUARANTEED_NO_EVICT', () => {
    const bench = newBench(limitsOf({ policy: 'GUARANTEED_NO_EVICT', reserveTokens: 1 }), 8)
    for (let i = 0; i < 5; i++) arrive(bench, 4, 24, false)
    while (bench.alive.size > 0) {
      bench.submit()
      bench.complete()
    }
    expect(bench.scheduler.pauses).toBe(0)
  })

  it('gives context logits rows in chunks of the free rows, each prompt position once', () => {
    const bench = newBench(limitsOf({ maxRows: 4 }), 64)
    const asking = arrive(bench, 11, 2, true, true)
    const asked: number[] = []
    while (asking.status !== 'finished') {
      for (const item of bench.submit()?.work ?? []) asked.push(item.contextRows)
      bench.complete()
    }
    expect(asked.reduce((a, b) => a + b)).toBe(11)
    expect(Math.max(...asked)).toBeLessThanOrEqual(4)
  })

  it('keeps pages of a cancelled sequence out of use until its last step has retired', () => {
    const bench = newBench(limitsOf({ maxBatchSize: 1 }), 4, 2)
    const first = arrive(bench, 8, 8, true)
    bench.submit()
    bench.finish(first)
    arrive(bench, 8, 8, true)
    expect(bench.submit()).toBeUndefined()
    expect(bench.cache.counts).toEqual({ total: 4, free: 2, pending: 2 })
    bench.complete()
    expect(bench.submit()?.work.length).toBe(1)
    bench.drain()
  })

  it('keeps every page, slot and promise through random lives', () => {
    const act = fc.oneof(
      fc.record({
        do: fc.constant('arrive' as const),
        prompt: fc.integer({ min: 1, max: 30 }),
        output: fc.integer({ min: 1, max: 30 }),
        limited: fc.boolean(),
        logits: fc.boolean(),
        first: fc.integer({ min: 0, max: 2 }),
        level: fc.constantFrom(50, 50, 10),
      }),
      fc.record({ do: fc.constant('submit' as const) }),
      fc.record({ do: fc.constant('submit' as const) }),
      fc.record({ do: fc.constant('complete' as const), failed: fc.constant(false) }),
      fc.record({ do: fc.constant('complete' as const), failed: fc.nat(9).map((n) => n === 0) }),
      fc.record({ do: fc.constant('wait' as const) }),
      fc.record({ do: fc.constant('end' as const), pick: fc.nat() }),
    )
    const world = fc.record({
      acts: fc.array(act, { maxLength: 120 }),
      pages: fc.integer({ min: 15, max: 40 }),
      maxBatchSize: fc.integer({ min: 1, max: 5 }),
      spareTokens: fc.integer({ min: 0, max: 30 }),
      spareRows: fc.integer({ min: 0, max: 6 }),
      spareWords: fc.integer({ min: 0, max: 40 }),
      numPools: fc.integer({ min: 1, max: 2 }),
      reserveTokens: fc.integer({ min: 1, max: 20 }),
      spareSlots: fc.integer({ min: 0, max: 2 }),
      depth: fc.integer({ min: 1, max: 3 }),
      window: fc.constantFrom(0, 0, 3, 8, 13),
      policy: fc.constantFrom<CapacityPolicy>(
        'RESERVE_AND_GROW',
        'GUARANTEED_NO_EVICT',
        'MAX_UTILIZATION',
        'STATIC_BATCH',
      ),
      chunking: fc.constantFrom<ChunkingPolicy>('FIRST_COME_FIRST_SERVED', 'EQUAL_PROGRESS'),
      batchWait: fc.constantFrom(noBatchWait, { timeoutMs: 5, timeoutIters: 3, maxTokensRatio: 0.7 }),
      prefixAware: fc.boolean(),
    })
    fc.assert(
      fc.property(world, ({ acts, pages, maxBatchSize, numPools, depth, window, ...spare }) => {
        const limits = limitsOf({
          maxBatchSize,
          numPools,
          maxNumTokens: maxBatchSize + spare.spareTokens,
          maxRows: maxBatchSize + spare.spareRows,
          maxDeltas: maxBatchSize * numPools + 3 + numPools,
          maxDeltaWords: maxBatchSize * numPools + 20 + 1 + numPools + spare.spareWords,
          windows: [0, window].slice(0, numPools),
          maxInFlightSteps: depth,
          policy: spare.policy,
          reserveTokens: spare.reserveTokens,
          chunking: spare.chunking,
          batchWait: spare.batchWait,
          prefixAware: spare.prefixAware,
        })
        const bench = newBench(limits, pages, maxBatchSize + spare.spareSlots)
        for (const one of acts) {
          if (one.do === 'arrive') {
            const promptIds = new Int32Array(one.prompt).fill(one.first)
            const { output: outputTokens, limited, logits: promptRows, level } = one
            bench.arrive({ promptIds, outputTokens, limited, promptRows, level })
          } else if (one.do === 'wait') bench.nowMs += 2
          else if (one.do === 'submit' && bench.inFlight.length < depth) bench.submit()
          else if (one.do === 'complete') bench.complete(one.failed)
          else if (one.do === 'end' && bench.alive.size > 0)
            bench.finish([...bench.alive][one.pick % bench.alive.size]!)
          bench.scheduler.check()
        }
        bench.drain()
        bench.scheduler.check()
        expect(bench.cache.counts).toEqual({ total: pages, free: pages, pending: 0 })
      }),
      { numRuns: 2000, seed: 40 },
    )
  })

  it('costs the same whatever the number waiting', () => {
    const decide = (waiting: number) => {
      const bench = newBench(
        limitsOf({ maxBatchSize: 64, maxNumTokens: 128, maxRows: 64, maxDeltaWords: 4096 }),
        64 * 40,
      )
      let seen = 0
      for (let i = 0; i < 64 + waiting; i++) arrive(bench, 4, 100, true)
      while (bench.scheduler.running.length < 64) {
        bench.submit()
        bench.complete()
      }
      const original = bench.scheduler.running[0]!
      // Counts how many waiting sequences a decision reads: at most the head.
      for (const sequence of bench.alive) {
        if (sequence.status !== 'waiting') continue
        const status = sequence.status
        Object.defineProperty(sequence, 'status', {
          configurable: true,
          get: () => {
            seen++
            return status
          },
        })
      }
      bench.submit()
      expect(original.status).toBe('running')
      return seen
    }
    expect(decide(10_000)).toBeLessThanOrEqual(1)
  })
})
