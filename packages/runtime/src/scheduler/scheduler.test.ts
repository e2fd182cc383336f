import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KvCache } from '../cache/kv-cache.js'
import type { CapacityPolicy, SchedulerLimits } from './budget.js'
import { type ScheduledStep, Scheduler } from './scheduler.js'
import { createSequence, type Sequence, tokenAt } from './sequence.js'

const pageTokens = 4

const limitsOf = (overrides: Partial<SchedulerLimits> = {}): SchedulerLimits => ({
  maxBatchSize: 4,
  maxNumTokens: 16,
  maxRows: 8,
  maxDeltas: 64,
  maxDeltaWords: 256,
  pageTokens,
  numPools: 1,
  policy: 'RESERVE_AND_GROW',
  reserveTokens: 8,
  ...overrides,
})

/** Scheduler over a pool, whose steps are run by hand and whose device samples the id 7 for ever. */
class Bench {
  readonly cache: KvCache
  readonly scheduler: Scheduler
  readonly limits: SchedulerLimits
  readonly inFlight: ScheduledStep[] = []
  readonly alive = new Set<Sequence>()
  arrivals = 0

  constructor(limits: SchedulerLimits, pages: number, numSlots = limits.maxBatchSize) {
    this.limits = limits
    const pools = Array.from({ length: limits.numPools }, () => ({ pages, pageTokens, window: 0 }))
    this.cache = new KvCache(pools, numSlots)
    this.scheduler = new Scheduler(limits, this.cache, numSlots)
  }

  arrive(promptTokens: number, outputTokens: number, limited: boolean, contextLogits = false): Sequence {
    const sequence = createSequence({
      id: `r${this.arrivals}`,
      arrival: this.arrivals++,
      promptIds: new Int32Array(promptTokens),
      maxLength: promptTokens + outputTokens,
      limited,
      contextLogits,
      setupDeltas: 2,
      setupWords: 20,
    })
    this.scheduler.add(sequence)
    this.alive.add(sequence)
    return sequence
  }

  submit(): ScheduledStep | undefined {
    const step = this.scheduler.next()
    if (step) {
      this.inFlight.push(step)
      expectWithinLimits(step, this.limits)
    }
    return step
  }

  /** Retires the oldest step; returns the sequences that ended for length. */
  complete(): Sequence[] {
    const step = this.inFlight.shift()
    if (!step) return []
    this.scheduler.retire(step)
    const ended: Sequence[] = []
    for (const { sequence, samples } of step.work) {
      if (!samples || sequence.status === 'finished') continue
      sequence.generatedIds.push(7)
      if (sequence.promptIds.length + sequence.generatedIds.length >= sequence.maxLength) ended.push(sequence)
    }
    for (const sequence of ended) this.finish(sequence)
    return ended
  }

  finish(sequence: Sequence): void {
    this.scheduler.finish(sequence)
    this.alive.delete(sequence)
  }

  drain(): void {
    for (let steps = 0; this.alive.size > 0; steps++) {
      if (steps > 20_000) throw new Error(`stuck with ${this.alive.size} sequences`)
      this.submit()
      if (this.inFlight.length === 0) throw new Error(`idle with ${this.alive.size} sequences alive`)
      this.complete()
      this.scheduler.check()
    }
    while (this.inFlight.length > 0) this.complete()
  }
}

function expectWithinLimits(step: ScheduledStep, limits: SchedulerLimits): void {
  let tokens = 0
  let rows = 0
  let deltas = 0
  let words = 0
  for (const item of step.work) {
    const { sequence } = item
    tokens += item.tokens
    rows += item.rows
    const delivered = Math.max(0, item.start + item.tokens - item.deliverFrom)
    deltas += (delivered ? 1 : 0) + (item.newPages ? limits.numPools : 0)
    deltas += item.sendsSetup ? sequence.setupDeltas : 0
    words += delivered + item.newPages * limits.numPools + (item.sendsSetup ? sequence.setupWords : 0)
    expect(item.tokens).toBeGreaterThan(0)
    // What the host delivers it must know: throws where a token is still being sampled.
    for (let position = item.deliverFrom; position < item.start + item.tokens; position++)
      tokenAt(sequence, position)
    expect(item.rows).toBeGreaterThanOrEqual(item.samples ? 1 : 0)
  }
  expect(step.work.length).toBeLessThanOrEqual(limits.maxBatchSize)
  expect(tokens).toBeLessThanOrEqual(limits.maxNumTokens)
  expect(rows).toBeLessThanOrEqual(limits.maxRows)
  expect(deltas).toBeLessThanOrEqual(limits.maxDeltas)
  expect(words).toBeLessThanOrEqual(limits.maxDeltaWords)
}

describe('scheduler', () => {
  it('mixes decode rows and prefill chunks, decode first', () => {
    const bench = new Bench(limitsOf(), 64)
    bench.arrive(4, 8, true)
    bench.submit()
    bench.complete()
    bench.arrive(40, 8, true)
    const step = bench.submit()!
    expect(step.work.map((item) => [item.sequence.id, item.tokens, item.samples])).toEqual([
      ['r0', 1, true],
      ['r1', 15, false],
    ])
  })

  it('never lets a later request overtake the head of the line', () => {
    const bench = new Bench(limitsOf(), 10)
    bench.arrive(4, 20, true)
    const large = bench.arrive(4, 30, true)
    const small = bench.arrive(1, 1, true)
    bench.submit()
    expect(large.status).toBe('waiting')
    expect(small.status).toBe('waiting')
    bench.drain()
  })

  it('pauses the youngest when a sequence outgrows its reservation and brings it back with its tokens', () => {
    const bench = new Bench(limitsOf({ reserveTokens: 4 }), 8)
    const old = bench.arrive(4, 24, false)
    const young = bench.arrive(4, 24, false)
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

  it('never pauses under GUARANTEED_NO_EVICT', () => {
    const bench = new Bench(limitsOf({ policy: 'GUARANTEED_NO_EVICT', reserveTokens: 1 }), 8)
    for (let i = 0; i < 5; i++) bench.arrive(4, 24, false)
    while (bench.alive.size > 0) {
      const step = bench.submit()
      expect(step?.numPaused ?? 0).toBe(0)
      bench.complete()
    }
  })

  it('gives context logits rows in chunks of the free rows, each prompt position once', () => {
    const bench = new Bench(limitsOf({ maxRows: 4 }), 64)
    const asking = bench.arrive(11, 2, true, true)
    const asked: number[] = []
    while (asking.status !== 'finished') {
      for (const item of bench.submit()?.work ?? []) asked.push(item.contextRows)
      bench.complete()
    }
    expect(asked.reduce((a, b) => a + b)).toBe(11)
    expect(Math.max(...asked)).toBeLessThanOrEqual(4)
  })

  it('keeps pages of a cancelled sequence out of use until its last step has retired', () => {
    const bench = new Bench(limitsOf({ maxBatchSize: 1 }), 4, 2)
    const first = bench.arrive(8, 8, true)
    bench.submit()
    bench.finish(first)
    bench.arrive(8, 8, true)
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
      }),
      fc.record({ do: fc.constant('submit' as const) }),
      fc.record({ do: fc.constant('submit' as const) }),
      fc.record({ do: fc.constant('complete' as const) }),
      fc.record({ do: fc.constant('complete' as const) }),
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
      policy: fc.constantFrom<CapacityPolicy>('RESERVE_AND_GROW', 'GUARANTEED_NO_EVICT'),
    })
    fc.assert(
      fc.property(world, ({ acts, pages, maxBatchSize, numPools, depth, ...spare }) => {
        const limits = limitsOf({
          maxBatchSize,
          numPools,
          maxNumTokens: maxBatchSize + spare.spareTokens,
          maxRows: maxBatchSize + spare.spareRows,
          maxDeltas: maxBatchSize * numPools + 3 + numPools,
          maxDeltaWords: maxBatchSize * numPools + 20 + 1 + numPools + spare.spareWords,
          policy: spare.policy,
          reserveTokens: spare.reserveTokens,
        })
        const bench = new Bench(limits, pages, maxBatchSize + spare.spareSlots)
        for (const one of acts) {
          if (one.do === 'arrive') bench.arrive(one.prompt, one.output, one.limited, one.logits)
          else if (one.do === 'submit' && bench.inFlight.length < depth) bench.submit()
          else if (one.do === 'complete') bench.complete()
          else if (one.do === 'end' && bench.alive.size > 0)
            bench.finish([...bench.alive][one.pick % bench.alive.size]!)
          bench.scheduler.check()
        }
        bench.drain()
        bench.scheduler.check()
        expect(bench.cache.counts).toEqual({ total: pages, free: pages, pending: 0 })
      }),
      { numRuns: 2000 },
    )
  })

  it('costs the same whatever the number waiting', () => {
    const decide = (waiting: number) => {
      const bench = new Bench(
        limitsOf({ maxBatchSize: 64, maxNumTokens: 128, maxRows: 64, maxDeltaWords: 4096 }),
        64 * 40,
      )
      let seen = 0
      for (let i = 0; i < 64 + waiting; i++) bench.arrive(4, 100, true)
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
