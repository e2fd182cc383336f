import type { SchedulerLimits } from './budget.js'
import type { Sequence } from './sequence.js'

/**
 * Pages (per pool) that a sequence reserves when it is admitted. With a token limit: all it may need. Without one:
 * all it may need under GUARANTEED_NO_EVICT, else its present length and `reserveTokens` more. Never more than the
 * pool has; the last token of a sequence is never computed and needs no place.
 */
export function reservedPages(sequence: Sequence, totalPages: number, limits: SchedulerLimits): number {
  const { length, maxLength, limited } = sequence
  const inFull = limited || limits.policy === 'GUARANTEED_NO_EVICT'
  const tokens = inFull ? maxLength : Math.min(maxLength, length + limits.reserveTokens)
  return Math.min(totalPages, Math.max(1, Math.ceil((tokens - 1) / limits.pageTokens)))
}

/** Pages promised to a running sequence that it does not hold yet. */
export function promisedPages(sequence: Sequence): number {
  return Math.max(0, sequence.reservedPages - sequence.heldPages)
}
