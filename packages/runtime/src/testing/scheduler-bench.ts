import { KvCache } from '../cache/kv-cache.js'
import type { SchedulerLimits } from '../scheduler/budget.js'
import { type ScheduledStep, Scheduler } from '../scheduler/scheduler.js'
import { createSequence, type NewSequence, type Sequence, tokenAt } from '../scheduler/sequence.js'

export interface Arrival extends Partial<NewSequence> {
  readonly promptIds: Int32Array
  readonly outputTokens: number
}

/** A scheduler over a cache, whose steps are run by hand and whose device samples the id 7 for ever. */
export class SchedulerBench {
  readonly cache: KvCache
  readonly scheduler: Scheduler
  readonly limits: SchedulerLimits
  readonly inFlight: ScheduledStep[] = []
  readonly alive = new Set<Sequence>()
  nowMs = 0
  #arrivals = 0

  /** `pages`: of every pool, of each, or a cache that is there. */
  constructor(
    limits: SchedulerLimits,
    pages: number | readonly number[] | KvCache,
    numSlots = limits.maxBatchSize,
  ) {
    const { pageTokens, windows } = limits
    const pagesOf = (pool: number) =>
      typeof pages === 'number' ? pages : (pages as readonly number[])[pool]!
    const specs = windows.map((window, pool) => ({ pages: pagesOf(pool), pageTokens, window }))
    this.limits = limits
    this.cache = pages instanceof KvCache ? pages : new KvCache(specs, numSlots)
    this.scheduler = new Scheduler(limits, this.cache, numSlots)
  }

  arrive({ outputTokens, ...fields }: Arrival): Sequence {
    const arrival = this.#arrivals++
    const sequence = createSequence({
      id: `r${arrival}`,
      arrival,
      maxLength: fields.promptIds.length + outputTokens,
      limited: true,
      setupDeltas: 2,
      setupWords: 20,
      ...fields,
    })
    this.scheduler.add(sequence)
    this.alive.add(sequence)
    return sequence
  }

  submit(): ScheduledStep | undefined {
    const step = this.scheduler.next(this.nowMs)
    if (!step) return undefined
    this.inFlight.push(step)
    checkLimits(step, this.limits)
    return step
  }

  /** Retires the oldest step; a failed one ends its sequences. */
  complete(failed = false): void {
    const step = this.inFlight.shift()
    if (!step) return
    this.scheduler.retire(step, failed, this.nowMs)
    for (const { sequence, samples } of step.work) {
      if (sequence.status === 'finished') continue
      if (failed) this.finish(sequence)
      if (failed || !samples) continue
      sequence.generatedIds.push(7)
      if (sequence.promptIds.length + sequence.generatedIds.length >= sequence.maxLength)
        this.finish(sequence)
    }
  }

  finish(sequence: Sequence): void {
    this.scheduler.finish(sequence)
    this.alive.delete(sequence)
  }

  /** Runs until nobody is left; throws when that does not come. */
  drain(): void {
    for (let steps = 0; this.alive.size > 0; steps++) {
      if (steps > 20_000) throw new Error(`stuck with ${this.alive.size} sequences`)
      this.submit()
      if (this.inFlight.length === 0) {
        const { wakeAtMs } = this.scheduler
        if (wakeAtMs === undefined || wakeAtMs <= this.nowMs)
          throw new Error(`idle with ${this.alive.size} sequences alive`)
        this.nowMs = wakeAtMs
      }
      this.complete()
      this.scheduler.check()
    }
    while (this.inFlight.length > 0) this.complete()
  }
}

/** Throws when a step holds more than it may, or asks the host for a token that is not known. */
function checkLimits(step: ScheduledStep, limits: SchedulerLimits): void {
  const used = { work: 0, tokens: 0, rows: 0, deltas: 0, words: 0 }
  for (const item of step.work) {
    const { sequence, start, tokens, deliverFrom, rows, samples } = item
    const delivered = Math.max(0, start + tokens - deliverFrom)
    const pages = item.newPages + item.reusedPages
    used.work++
    used.tokens += tokens
    used.rows += rows
    used.deltas += (delivered ? 1 : 0) + (pages ? limits.numPools : 0)
    used.deltas += item.sendsSetup ? sequence.setupDeltas : 0
    used.words += delivered + pages * limits.numPools + (item.sendsSetup ? sequence.setupWords : 0)
    if (tokens < 1 || (samples && rows < 1)) throw new Error(`scheduler bench: ${sequence.id} has empty work`)
    for (let position = deliverFrom; position < start + tokens; position++) tokenAt(sequence, position)
  }
  const isOver =
    used.work > limits.maxBatchSize ||
    used.tokens > limits.maxNumTokens ||
    used.rows > limits.maxRows ||
    used.deltas > limits.maxDeltas ||
    used.words > limits.maxDeltaWords
  if (isOver) throw new Error(`scheduler bench: a step holds ${JSON.stringify(used)}`)
}
