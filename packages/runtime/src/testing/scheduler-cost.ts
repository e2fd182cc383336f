import { KvCache } from '../cache/kv-cache.js'
import { deltaCapacity } from '../scheduler/budget.js'
import { type ScheduledStep, Scheduler } from '../scheduler/scheduler.js'
import { createSequence } from '../scheduler/sequence.js'
import { schedulerLimits } from './scheduler-limits.js'
import { SeededRandom } from './seeded-random.js'

/** Median microseconds over the decisions that were measured, and a percentile of their sum. */
export interface SchedulerCost {
  /** Deciding a step and taking what it needs. */
  readonly next: number
  /** Taking note that a step has retired, pages published. */
  readonly retire: number
  readonly bothP99: number
}

const pageTokens = 32

/** Time of scheduling decisions while `running` sequences decode and `waiting` ones queue behind them. */
export function measureSchedulerCost(running: number, waiting: number, decisions: number): SchedulerCost {
  const random = new SeededRandom(1)
  const maxNumTokens = 8192
  const sizes = { maxBatchSize: running, maxNumTokens, pageTokens, numPools: 1 }
  const { maxDeltas, maxDeltaWords } = deltaCapacity(sizes)
  const limits = schedulerLimits({
    ...sizes,
    maxRows: running,
    maxDeltas,
    maxDeltaWords,
    reserveTokens: 2048,
  })
  const cache = new KvCache([{ pages: running * 40, pageTokens, window: 0 }], running)
  const scheduler = new Scheduler(limits, cache, running)
  for (let arrival = 0; arrival < running + waiting; arrival++) {
    const promptIds = Int32Array.from({ length: random.integer(60, 200) }, () => random.integer(0, 30_000))
    scheduler.add(
      createSequence({
        id: `s${arrival}`,
        arrival,
        promptIds,
        maxLength: 1200,
        limited: true,
        fairnessKey: `key ${arrival % 100}`,
        level: 45 + (arrival % 3) * 5,
      }),
    )
  }
  const complete = (step: ScheduledStep | undefined) => {
    if (!step) return
    scheduler.retire(step, false, 0)
    for (const { sequence, samples } of step.work) if (samples) sequence.generatedIds.push(7)
  }
  let before = scheduler.next(0)
  while (scheduler.running.length < running || scheduler.running.some((one) => one.generatedIds.length < 3)) {
    const step = scheduler.next(0)
    complete(before)
    before = step
  }
  const nexts: number[] = []
  const retires: number[] = []
  for (let i = 0; i < decisions; i++) {
    const startMs = performance.now()
    const step = scheduler.next(i)
    const decidedMs = performance.now()
    if (before) scheduler.retire(before, false, i)
    nexts.push((decidedMs - startMs) * 1000)
    retires.push((performance.now() - decidedMs) * 1000)
    for (const { sequence, samples } of before?.work ?? []) if (samples) sequence.generatedIds.push(7)
    before = step
  }
  const both = nexts.map((next, i) => next + retires[i]!)
  return { next: quantile(nexts, 0.5), retire: quantile(retires, 0.5), bothP99: quantile(both, 0.99) }
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!
