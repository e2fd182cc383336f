import type { EngineStats, IterationStats } from 'trtllm'

const pages = { total: 128, free: 96 }

/** One step of an echo model with `active` open streams. */
export const echoIteration = (iter: number, active: number): IterationStats => ({
  iter,
  timestamp: new Date(0).toISOString(),
  iterLatencyMS: 1,
  newActiveRequestsQueueLatencyMS: 0,
  numActiveRequests: active,
  numQueuedRequests: 0,
  numNewActiveRequests: 0,
  numCompletedRequests: 0,
  maxNumActiveRequests: 8,
  gpuMemUsage: 0,
  cpuMemUsage: 0,
  pinnedMemUsage: 0,
  kvCacheStats: {
    maxNumBlocks: pages.total,
    freeNumBlocks: pages.free,
    usedNumBlocks: pages.total - pages.free,
    tokensPerBlock: 32,
    allocTotalBlocks: 0,
    allocNewBlocks: 0,
    reusedBlocks: 0,
    missedBlocks: 0,
    cacheHitRate: 0,
  },
  inflightBatchingStats: {
    numScheduledRequests: active,
    numContextRequests: 0,
    numGenRequests: active,
    numPausedRequests: 0,
    numCtxTokens: 0,
    microBatchId: 0,
    avgNumDecodedTokensPerIter: 1,
  },
})

/** The statistics of an echo model; each ended stream waited 2 s. */
export const echoStats = (iterations: IterationStats[], running: number, ended: number): EngineStats => ({
  iterations,
  requests: Array.from({ length: ended }, () => ({
    reason: 'stop' as const,
    queueMs: 2000,
    timeToFirstTokenMs: 1,
    timePerTokenMs: 1,
    totalMs: 1,
    promptTokens: 1,
    generatedTokens: 1,
  })),
  counters: {
    steps: iterations.length,
    stepErrors: 0,
    requests: ended,
    finished: { stop: ended, length: 0, cancelled: 0, error: 0 },
    errors: {},
    promptTokens: 0,
    generatedTokens: 0,
    reusedTokens: 0,
    pauses: 0,
    overrunRows: 0,
    device: { busyMicroseconds: 0, idleMicroseconds: 0, followingSteps: 0, idleCounts: [] },
    kvPlaces: 0,
    kvTokens: 0,
  },
  gauges: {
    running,
    waiting: 0,
    paused: 0,
    stepsInFlight: 0,
    kvPagesTotal: pages.total,
    kvPagesFree: pages.free,
    kvPagesPending: 0,
    kvPagesIdle: 0,
    quiescent: running === 0,
  },
})
