/** Capacity policies by TensorRT-LLM's names, and ours. */
export type CapacityPolicy =
  /** A request without a token limit reserves a share and grows; the youngest is paused when the pool is full. */
  | 'RESERVE_AND_GROW'
  /** Every request reserves all it may ever need: nothing is paused, fewer run at once. */
  | 'GUARANTEED_NO_EVICT'
  /** Whoever has pages for what is known of it comes in; the youngest is paused when the pool is full. */
  | 'MAX_UTILIZATION'
  /** A batch runs to its end before the next begins; otherwise as GUARANTEED_NO_EVICT. */
  | 'STATIC_BATCH'

/** How a step's tokens are shared among prompts that do not fit together. */
export type ChunkingPolicy =
  /** The first takes what it can use, the next what is left. */
  | 'FIRST_COME_FIRST_SERVED'
  /** All advance alike, by whole pages. */
  | 'EQUAL_PROGRESS'

/** When to wait for a fuller batch before prompts are let in. Without a timeout nobody waits. */
export interface BatchWait {
  /** Milliseconds that prompts may be kept waiting for others. */
  readonly timeoutMs: number
  /** Steps that prompts may be kept waiting while others decode. */
  readonly timeoutIters: number
  /** Share of `maxNumTokens` that is worth a step: nobody is kept waiting once that much work is there. */
  readonly maxTokensRatio: number
}

/** What a step can hold at most. Constant for the life of an engine. */
export interface SchedulerLimits {
  /** Running sequences. */
  readonly maxBatchSize: number
  /** Tokens in a step. */
  readonly maxNumTokens: number
  /** Logits rows in a step. */
  readonly maxRows: number
  /** Delta records and delta data words in a step. */
  readonly maxDeltas: number
  readonly maxDeltaWords: number
  readonly pageTokens: number
  readonly numPools: number
  /** A pool: attention window in tokens; 0 = all positions. */
  readonly windows: readonly number[]
  /** Steps submitted before the first is read, at most. */
  readonly maxInFlightSteps: number
  readonly policy: CapacityPolicy
  readonly chunking: ChunkingPolicy
  readonly batchWait: BatchWait
  /** Whether a sequence waits for a page that a running one is about to publish. */
  readonly prefixAware: boolean
  /** Tokens that a request without a token limit reserves beyond its current length. */
  readonly reserveTokens: number
}

/** Default of `SchedulerLimits.reserveTokens`. */
export const defaultReserveTokens = 2048

/** Nobody is kept waiting. */
export const noBatchWait: BatchWait = { timeoutMs: 0, timeoutIters: 0, maxTokensRatio: 1 }

/** What is left of a step while it is being filled. */
export interface StepBudget {
  tokens: number
  rows: number
  deltas: number
  deltaWords: number
}

export function fullBudget(limits: SchedulerLimits): StepBudget {
  return {
    tokens: limits.maxNumTokens,
    rows: limits.maxRows,
    deltas: limits.maxDeltas,
    deltaWords: limits.maxDeltaWords,
  }
}

/** Data words a request's sampling record and lists can take at most, and the delta records they come in. */
const maxSetup = { deltas: 5, words: 32 + 64 + 2 * 1024 + 1024 }

/**
 * Delta room to give a plan (`maxDeltas`, `maxDeltaWords` of its step limits): a full step of prompt tokens with their
 * pages, a page for every decoding sequence and one request with full lists. `least` is what the scheduler cannot do
 * without: below it a decode row or a first chunk might never fit.
 */
export function deltaCapacity(sizes: {
  maxBatchSize: number
  maxNumTokens: number
  pageTokens: number
  numPools: number
}): {
  maxDeltas: number
  maxDeltaWords: number
  least: { maxDeltas: number; maxDeltaWords: number }
} {
  const { maxBatchSize, maxNumTokens, pageTokens, numPools } = sizes
  const least = {
    maxDeltas: maxBatchSize * numPools + maxSetup.deltas + 1 + numPools,
    maxDeltaWords: maxBatchSize * numPools + maxSetup.words + 1 + numPools,
  }
  return {
    maxDeltas: least.maxDeltas + maxBatchSize * (maxSetup.deltas + 1),
    maxDeltaWords:
      least.maxDeltaWords +
      maxNumTokens +
      numPools * (Math.ceil(maxNumTokens / pageTokens) + maxBatchSize) +
      maxBatchSize * 32,
    least,
  }
}
