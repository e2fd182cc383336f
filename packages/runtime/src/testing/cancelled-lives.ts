import type { EngineRequest } from '../request.js'
import { EngineBench } from './engine-bench.js'
import { fakeModel } from './fake-model.js'
import { referenceStream } from './reference-stream.js'
import { SeededRandom } from './seeded-random.js'

/** Where a request can be when its client leaves. */
const phases = ['queued', 'prefilling', 'prefilled', 'decoding'] as const
type Phase = (typeof phases)[number] | 'paused'

/** What a life of many requests of real sizes came to. */
export interface CancelledLife {
  /** Cancels that landed, by where the request was. */
  readonly cancelled: Record<Phase, number>
  readonly completed: number
  readonly pauses: number
  readonly reads: number
  readonly cachedTokens: number
}

/**
 * Runs `count` requests: prompts of 1 to 4,096 tokens, answers of 1 to 512, up to four choices of a prompt, half of them
 * with a prefix that others have; two in five are cancelled, each in a phase chosen for it,
 * and paused ones. Throws unless every request
 * ends once, those that complete with the tokens of the reference, no step works for one that has ended, and every page, slot
 * and timer is back at the end.
 */
export function liveWithCancels(seed: number, count: number): CancelledLife {
  const random = new SeededRandom(seed)
  const model = fakeModel({
    maxBatchSize: 48,
    maxNumTokens: 1024,
    maxSeqLen: 4608,
    vocabSize: 997,
    spareSlots: 6,
    pools: [{ pages: 500, window: 0 }],
  })
  const bench = new EngineBench({ model, policy: 'MAX_UTILIZATION', prefixAware: random.next() < 0.5 })
  const source = new Source(random)
  const cancelled: Record<Phase, number> = { queued: 0, prefilling: 0, prefilled: 0, decoding: 0, paused: 0 }
  const sent: EngineRequest[] = []
  const doomed = new Map<EngineRequest, Phase>()
  const lastSteps = new Map<EngineRequest, number>()
  const cancel = (request: EngineRequest) => {
    lastSteps.set(request, bench.device.numSubmitted)
    bench.engine.cancel(request.id)
    bench.engine.check()
  }
  const cancelReady = () => {
    for (const [request, phase] of doomed) {
      const now = phaseOf(bench, request)
      if (now === undefined) doomed.delete(request)
      if (now !== phase) continue
      doomed.delete(request)
      cancel(request)
      cancelled[phase]++
    }
    const { paused } = bench.engine.stats().gauges
    if (paused === 0 || random.next() < 0.8) return
    const victim = sent.find((request) => !doomed.has(request) && isIdle(bench, request))
    if (!victim) return
    cancel(victim)
    // Whether it was paused shows only now.
    if (bench.engine.stats().gauges.paused < paused) cancelled.paused++
  }
  while (sent.length < count) {
    for (const request of source.next(count - sent.length)) {
      sent.push(bench.submit(request))
      if (random.next() < 0.4) doomed.set(request, random.pick(phases))
    }
    cancelReady()
    for (let steps = random.integer(0, 12); steps > 0; steps--) {
      bench.clock.runSoon()
      cancelReady()
      bench.device.runNext()
      cancelReady()
      bench.clock.runSoon()
      cancelReady()
    }
  }
  for (let steps = 0; bench.step(); steps++) {
    cancelReady()
    if (steps > 100_000) throw new Error('cancelled lives: still busy')
  }
  for (const [request, step] of lastSteps) {
    if ((bench.device.seen(Number(request.seed))?.step ?? 0) > step)
      throw new Error(`cancelled lives: a step worked for ${request.id} after it was cancelled`)
  }
  return settle(bench, sent, cancelled)
}

/** Counts everything once nothing is left to do. */
function settle(
  bench: EngineBench,
  sent: readonly EngineRequest[],
  cancelled: Record<Phase, number>,
): CancelledLife {
  bench.expectQuiet()
  bench.engine.resetPrefixCache()
  bench.expectQuiet()
  const { gauges, counters } = bench.engine.stats()
  if (gauges.kvPagesFree !== gauges.kvPagesTotal || bench.clock.numTimers > 0)
    throw new Error(`cancelled lives: ${JSON.stringify(gauges)}, ${bench.clock.numTimers} timers`)
  let completed = 0
  let cachedTokens = 0
  for (const request of sent) {
    const { reason, usage } = bench.finishOf(request.id) ?? {}
    if (!reason || !usage || reason === 'error')
      throw new Error(`cancelled lives: ${request.id} ended with ${reason}`)
    const tokens = bench.tokensOf(request.id)
    const expected = referenceStream(request, bench.engine.model).tokens
    const isWhole = reason === 'cancelled' || tokens.length === expected.length
    if (!isWhole || tokens.some((token, i) => token !== expected[i]))
      throw new Error(`cancelled lives: ${request.id} got other tokens than alone`)
    if (reason !== 'cancelled') completed++
    cachedTokens += usage.cachedTokens
  }
  const { pauses } = counters
  return { cancelled, completed, pauses, reads: bench.device.reads.total, cachedTokens }
}

/** Where a request is; undefined when it has ended, or is perhaps paused. */
function phaseOf(bench: EngineBench, request: EngineRequest): Phase | undefined {
  const { id, promptIds, seed } = request
  if (bench.finishOf(id) || isIdle(bench, request)) return undefined
  const seen = bench.device.seen(Number(seed))
  if (!seen) return 'queued'
  if (bench.tokensOf(id).length > 0) return 'decoding'
  return seen.reached < promptIds.length ? 'prefilling' : 'prefilled'
}

/** Whether a request that has begun and not ended has no work in the steps in flight. */
function isIdle(bench: EngineBench, { id, seed }: EngineRequest): boolean {
  const seen = bench.device.seen(Number(seed))
  return seen !== undefined && !bench.finishOf(id) && seen.step < bench.device.numSubmitted - 2
}

/** Prompts, half of which begin with one of a few documents. */
class Source {
  readonly #random: SeededRandom
  readonly #documents: readonly Int32Array[]
  #requests = 0

  constructor(random: SeededRandom) {
    this.#random = random
    this.#documents = Array.from({ length: 6 }, () => this.#ids(3000))
  }

  /** The choices of one prompt, `most` of them at most. */
  next(most: number): EngineRequest[] {
    const random = this.#random
    const own = this.#ids(Math.floor(4096 * random.next() ** 2) + 1)
    const shared =
      random.next() < 0.5 ? random.pick(this.#documents).subarray(0, random.integer(1, 3000)) : []
    const promptIds = Int32Array.from([...shared, ...own].slice(0, 4096))
    const maxTokens = Math.floor(512 * random.next() ** 2) + 1
    const choices = Math.min(most, random.next() < 0.7 ? 1 : random.integer(2, 4))
    return Array.from({ length: choices }, () => {
      const number = ++this.#requests
      return { id: `r${number}`, promptIds, maxTokens, seed: number, ignoreEos: random.next() < 0.8 }
    })
  }

  #ids(length: number): Int32Array {
    return Int32Array.from({ length }, () => this.#random.integer(1, 996))
  }
}
