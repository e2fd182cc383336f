import { type DeviceTimes, zeroDeviceTimes } from './device-times.js'

/** Pages of the largest pool, under TensorRT-LLM's names. */
export interface KvCacheStats {
  maxNumBlocks: number
  freeNumBlocks: number
  usedNumBlocks: number
  tokensPerBlock: number
  allocTotalBlocks: number
  allocNewBlocks: number
  reusedBlocks: number
  missedBlocks: number
  cacheHitRate: number
}

export interface InflightBatchingStats {
  numScheduledRequests: number
  numContextRequests: number
  numGenRequests: number
  numPausedRequests: number
  numCtxTokens: number
  microBatchId: number
  avgNumDecodedTokensPerIter: number
}

/** One step, under the keys of TensorRT-LLM's /metrics items. Memory in bytes, times in milliseconds. */
export interface IterationStats {
  iter: number
  timestamp: string
  iterLatencyMS: number
  newActiveRequestsQueueLatencyMS: number
  numActiveRequests: number
  numQueuedRequests: number
  numNewActiveRequests: number
  numCompletedRequests: number
  maxNumActiveRequests: number
  gpuMemUsage: number
  cpuMemUsage: number
  pinnedMemUsage: number
  kvCacheStats: KvCacheStats
  inflightBatchingStats: InflightBatchingStats
}

/** Totals since the start, for Prometheus. */
export interface EngineCounters {
  steps: number
  stepErrors: number
  requests: number
  /** Ended requests by reason; errors by code under `error`. */
  finished: Record<'stop' | 'length' | 'cancelled' | 'error', number>
  errors: Record<string, number>
  promptTokens: number
  generatedTokens: number
  /** Tokens that did not have to be computed because the cache had them. */
  reusedTokens: number
  pauses: number
  /** Steps that held work of a request which ended or expired before they were read. */
  overrunRows: number
  device: DeviceTimes
  /** Token places in the first pool's pages of sequences that ran, and those with a token, summed over the steps read. */
  kvPlaces: number
  kvTokens: number
}

/** State now. `quiescent`: nothing lives, nothing is in flight and every page and slot is back. */
export interface EngineGauges {
  running: number
  waiting: number
  paused: number
  stepsInFlight: number
  kvPagesTotal: number
  kvPagesFree: number
  kvPagesPending: number
  /** Free or pending pages that keep a prefix nobody holds. */
  kvPagesIdle: number
  quiescent: boolean
}

/** Milliseconds of one ended request, for latency histograms; null where it did not get so far. */
export interface RequestTiming {
  reason: 'stop' | 'length' | 'cancelled' | 'error'
  queueMs: number | null
  timeToFirstTokenMs: number | null
  /** Mean time of a token after the first; null with fewer than two. */
  timePerTokenMs: number | null
  totalMs: number
  promptTokens: number
  generatedTokens: number
}

export interface EngineStats {
  /** Steps since the last read, oldest first, at most `maxStatsLength`. */
  iterations: IterationStats[]
  /** Requests ended since the last read, likewise. */
  requests: RequestTiming[]
  counters: EngineCounters
  gauges: EngineGauges
}

/** Entries kept between two reads; older ones are dropped. */
export const maxStatsLength = 1000

/** A bounded list that is emptied by reading. */
export class DrainedRing<T> {
  #items: T[] = []
  #next = 0
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  push(item: T): void {
    this.#items[this.#next % this.#capacity] = item
    this.#next++
  }

  /** All kept items, oldest first; keeps none. */
  drain(): T[] {
    const first = this.#next > this.#capacity ? this.#next % this.#capacity : 0
    const items = [...this.#items.slice(first), ...this.#items.slice(0, first)]
    this.#items = []
    this.#next = 0
    return items
  }
}

export function zeroCounters(): EngineCounters {
  return {
    steps: 0,
    stepErrors: 0,
    requests: 0,
    finished: { stop: 0, length: 0, cancelled: 0, error: 0 },
    errors: {},
    promptTokens: 0,
    generatedTokens: 0,
    reusedTokens: 0,
    pauses: 0,
    overrunRows: 0,
    device: zeroDeviceTimes(),
    kvPlaces: 0,
    kvTokens: 0,
  }
}
