/** Capacity policies by TensorRT-LLM's names, and ours. */
export type CapacityPolicy =
  /** A request without a token limit reserves a share and grows; the youngest is paused when the pool is full. */
  | 'RESERVE_AND_GROW'
  /** Every request reserves all it may ever need: nothing is paused, fewer run at once. */
  | 'GUARANTEED_NO_EVICT'

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
  readonly policy: CapacityPolicy
  /** Tokens that a request without a token limit reserves beyond its current length. */
  readonly reserveTokens: number
}

/** Default of `SchedulerLimits.reserveTokens`. */
export const defaultReserveTokens = 2048

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
const maxSetup = { deltas: 5, words: 16 + 64 + 2 * 1024 + 1024 }

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
