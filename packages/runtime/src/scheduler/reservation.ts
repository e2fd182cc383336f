import type { SchedulerLimits } from './budget.js'
import { remainingTokens, type Sequence } from './sequence.js'

/**
 * Length of the page tables that a sequence reserves when it is admitted. With a token limit: all it may need. Without
 * one: all it may need under GUARANTEED_NO_EVICT and STATIC_BATCH, what is known of it under MAX_UTILIZATION, else its
 * present length and `reserveTokens` more. The last token of a sequence is never computed and needs no place.
 */
export function reservedPages(sequence: Sequence, limits: SchedulerLimits): number {
  const { length, maxLength, limited } = sequence
  const { policy, pageTokens, reserveTokens } = limits
  const inFull = policy === 'GUARANTEED_NO_EVICT' || policy === 'STATIC_BATCH'
  let tokens = Math.min(maxLength, length + reserveTokens)
  if (policy === 'MAX_UTILIZATION') tokens = Math.min(maxLength, length + 1)
  else if (inFull || limited) tokens = maxLength
  return Math.max(1, Math.ceil((tokens - 1) / pageTokens))
}

/** Pages that hold `tokens` consecutive positions wherever they begin. */
const pagesOfSpan = (tokens: number, pageTokens: number): number => Math.ceil(tokens / pageTokens) + 1

/**
 * Pages of a window pool that a sequence holds at most at a time: its window and all that steps in flight compute,
 * because pages that fall out of the window are given back when the step that saw them has retired.
 */
export function mostWindowPages(window: number, chunkTokens: number, limits: SchedulerLimits): number {
  return pagesOfSpan(window - 1 + limits.maxInFlightSteps * chunkTokens, limits.pageTokens)
}

/** Pages of a pool promised to a running sequence that it does not hold yet. */
export function promisedPages(sequence: Sequence, pool: number, limits: SchedulerLimits): number {
  const { reservedPages: reserved, heldPages: held } = sequence
  const window = limits.windows[pool]!
  if (reserved <= held || window === 0) return Math.max(0, reserved - held)
  return Math.max(
    0,
    Math.min(reserved, windowEnd(sequence, sequence.firstPages[pool] ?? 0, held, pool, limits)) - held,
  )
}

/** Index behind the last page that a sequence with the pages [first, held) of a window pool can reach without giving back. */
export function windowEnd(
  sequence: Sequence,
  first: number,
  held: number,
  pool: number,
  limits: SchedulerLimits,
): number {
  const window = limits.windows[pool]!
  const whileDecoding = mostWindowPages(window, 1, limits)
  // While pages of the prompt wait to be given back, the room of a prefill stays promised.
  const isDecoding = sequence.computed > 0 && remainingTokens(sequence) <= 1 && held - first <= whileDecoding
  return first + (isDecoding ? whileDecoding : mostWindowPages(window, limits.maxNumTokens, limits))
}
