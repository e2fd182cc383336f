/** What the sizes of pools depend on. */
export interface PoolSizing {
  readonly pageTokens: number
  /** Tokens of the longest sequence. */
  readonly maxSeqLen: number
  readonly maxNumTokens: number
  readonly maxInFlightSteps: number
}

/** Sequences of this many tokens fill all pools alike; shorter ones would run out of window pages first. */
const balancedTokens = 4096

/**
 * Pages for a pool when pools without a window have `pages`. A window pool keeps only what tokens still see: while a
 * sequence decodes its window and the steps in flight, while a prompt is computed its chunks too. So it gets its share of
 * a sequence of `balancedTokens`, and room for two prompts beside those that decode.
 */
export function pagesOfPool(window: number, pages: number, sizing: PoolSizing): number {
  if (window === 0) return pages
  const { pageTokens, maxSeqLen, maxNumTokens, maxInFlightSteps } = sizing
  const held = (chunk: number) => Math.ceil((window - 1 + maxInFlightSteps * chunk) / pageTokens) + 1
  const pagesOf = (tokens: number) => Math.ceil(tokens / pageTokens)
  const share = held(1) / pagesOf(Math.min(maxSeqLen, balancedTokens))
  const prefill = 2 * Math.min(pagesOf(maxSeqLen), held(maxNumTokens))
  return Math.min(pages, Math.ceil(pages * share) + prefill)
}
