import type { KvCache } from './cache/kv-cache.js'
import type { ModelInfo } from './compiled-model.js'
import { addStepTimes } from './device-times.js'
import type { LiveRequest } from './live-request.js'
import type { Finish } from './request.js'
import type { Work } from './scheduler/batch.js'
import type { Scheduler } from './scheduler/scheduler.js'
import {
  DrainedRing,
  type EngineStats,
  type IterationStats,
  maxStatsLength,
  type RequestTiming,
  zeroCounters,
} from './stats.js'
import type { Flight } from './step/pipeline.js'

/** Keeps the engine's statistics: one record a step and one an ended request until they are read, and totals. */
export class StatsRecorder {
  readonly counters = zeroCounters()
  readonly #iterations = new DrainedRing<IterationStats>(maxStatsLength)
  readonly #requests = new DrainedRing<RequestTiming>(maxStatsLength)
  readonly #info: ModelInfo
  readonly #scheduler: Scheduler
  readonly #cache: KvCache
  #completedSinceStep = 0
  #queueMsSinceStep = 0
  #allocatedBefore = 0
  #tokensBefore = 0

  constructor(info: ModelInfo, scheduler: Scheduler, cache: KvCache) {
    this.#info = info
    this.#scheduler = scheduler
    this.#cache = cache
  }

  /** Counts a request that was accepted. */
  accepted(promptTokens: number): void {
    this.counters.requests++
    this.counters.promptTokens += promptTokens
  }

  /** Adds the time that a request waited until its first work was submitted. */
  started(queueMs: number): void {
    this.#queueMsSinceStep += queueMs
  }

  ended(finish: Finish, live: LiveRequest | undefined, nowMs: number): void {
    this.counters.finished[finish.reason]++
    if (finish.error) {
      const { code } = finish.error
      this.counters.errors[code] = (this.counters.errors[code] ?? 0) + 1
    }
    this.#completedSinceStep++
    if (live) this.#requests.push(timingOf(finish, live, nowMs))
  }

  /** Records a step whose results have been read; tokens chosen outside since the one before count with it. */
  stepRead(flight: Flight): void {
    const { step, outcome } = flight
    const { numAdmitted, work } = step
    const pages = this.#cache.counts
    const decoding = work.filter(
      ({ tokens, start, sequence }) => tokens === 1 && start >= sequence.promptIds.length,
    )
    const context = work.length - decoding.length
    const { memory, maxBatchSize, device } = this.#info
    const { microseconds = 0, idleMicroseconds = 0 } = outcome ?? {}
    addStepTimes(this.counters.device, microseconds, flight.followsPause ? undefined : idleMicroseconds)
    this.#countPlaces(work)
    const modelBytes = memory.weightsBytes + memory.arenaBytes + memory.kvBytes + memory.stateBytes
    this.counters.steps++
    this.#iterations.push({
      iter: step.number,
      timestamp: new Date().toISOString(),
      iterLatencyMS: microseconds / 1000,
      newActiveRequestsQueueLatencyMS: this.#queueMsSinceStep,
      numActiveRequests: this.#scheduler.running.length,
      numQueuedRequests: this.#scheduler.numWaiting + this.#scheduler.numPaused,
      numNewActiveRequests: numAdmitted,
      numCompletedRequests: this.#completedSinceStep,
      maxNumActiveRequests: maxBatchSize,
      gpuMemUsage: device.kind === 'cuda' ? modelBytes : 0,
      cpuMemUsage: device.kind === 'cuda' ? 0 : modelBytes,
      pinnedMemUsage: 0,
      kvCacheStats: {
        maxNumBlocks: pages.total,
        freeNumBlocks: pages.free + pages.pending,
        usedNumBlocks: pages.total - pages.free - pages.pending,
        tokensPerBlock: this.#cache.pageTokens,
        allocTotalBlocks: this.#cache.allocatedPages,
        allocNewBlocks: this.#cache.allocatedPages - this.#allocatedBefore,
        reusedBlocks: this.#cache.reuse.reusedPages,
        missedBlocks: this.#cache.reuse.missedPages,
        cacheHitRate: this.#cache.hitRate,
      },
      inflightBatchingStats: {
        numScheduledRequests: work.length,
        numContextRequests: context,
        numGenRequests: decoding.length,
        numPausedRequests: this.#scheduler.numPaused,
        numCtxTokens: work.reduce((sum, { tokens }) => sum + tokens, 0) - decoding.length,
        microBatchId: flight.call.ring,
        avgNumDecodedTokensPerIter:
          work.length === 0 ? 0 : (this.counters.generatedTokens - this.#tokensBefore) / work.length,
      },
    })
    this.#completedSinceStep = 0
    this.#queueMsSinceStep = 0
    this.#allocatedBefore = this.#cache.allocatedPages
    this.#tokensBefore = this.counters.generatedTokens
  }

  /** Pages behind a window count no more: they are given back. */
  #countPlaces(work: readonly Work[]): void {
    const { pageTokens } = this.#cache
    for (const { sequence } of work) {
      if (sequence.status !== 'running') continue
      const [first = 0] = sequence.firstPages
      this.counters.kvPlaces += (sequence.heldPages - first) * pageTokens
      this.counters.kvTokens += sequence.computed - first * pageTokens
    }
  }

  /** Statistics since the last read, and the totals. */
  read(stepsInFlight: number): EngineStats {
    const pages = this.#cache.counts
    const { running, numWaiting, numPaused } = this.#scheduler
    const live = running.length + numWaiting + numPaused
    return {
      iterations: this.#iterations.drain(),
      requests: this.#requests.drain(),
      counters: {
        ...structuredClone(this.counters),
        pauses: this.#scheduler.pauses,
        reusedTokens: this.#cache.reuse.reusedTokens,
      },
      gauges: {
        running: running.length,
        waiting: numWaiting,
        paused: numPaused,
        stepsInFlight,
        kvPagesTotal: pages.total,
        kvPagesFree: pages.free,
        kvPagesPending: pages.pending,
        kvPagesIdle: this.#cache.idlePages,
        quiescent: live === 0 && stepsInFlight === 0 && this.#cache.isAllFree,
      },
    }
  }
}

function timingOf(finish: Finish, live: LiveRequest, nowMs: number): RequestTiming {
  const { submittedMs, startedMs, firstTokenMs, lastTokenMs } = live
  const { promptTokens, completionTokens } = finish.usage
  const decodeMs = firstTokenMs !== undefined && lastTokenMs !== undefined ? lastTokenMs - firstTokenMs : 0
  return {
    reason: finish.reason,
    queueMs: startedMs === undefined ? null : startedMs - submittedMs,
    timeToFirstTokenMs: firstTokenMs === undefined ? null : firstTokenMs - submittedMs,
    timePerTokenMs: completionTokens > 1 ? decodeMs / (completionTokens - 1) : null,
    totalMs: nowMs - submittedMs,
    promptTokens,
    generatedTokens: completionTokens,
  }
}
