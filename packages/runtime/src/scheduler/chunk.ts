import type { Work } from './batch.js'
import type { SchedulerLimits, StepBudget } from './budget.js'
import type { Sequence } from './sequence.js'

/** What a chunk starts from: a running sequence as it is, or a new one with what the cache has for it. */
export interface ChunkStart {
  readonly sequence: Sequence
  /** Positions that need not be computed. */
  readonly computed: number
  /** Tokens that need not be delivered. */
  readonly delivered: number
  /** Length of its page tables, and how much of it the device does not know. */
  readonly heldPages: number
  readonly reusedPages: number
}

export const asItIs = (sequence: Sequence): ChunkStart => ({
  sequence,
  computed: sequence.computed,
  delivered: sequence.delivered,
  heldPages: sequence.heldPages,
  reusedPages: 0,
})

/** The largest chunk of at most `mostTokens` that fits the budget, or undefined when not even one token does. */
export function chunk(
  from: ChunkStart,
  mostTokens: number,
  budget: StepBudget,
  limits: SchedulerLimits,
): Work | undefined {
  const { sequence, computed: start, delivered, heldPages, reusedPages } = from
  const remaining = sequence.length - start
  const pagesFor = (tokens: number) =>
    Math.max(0, Math.ceil((start + tokens) / limits.pageTokens) - heldPages)
  let tokens = Math.min(remaining, budget.tokens, mostTokens)
  const setupWords = sequence.setupSent ? 0 : sequence.setupWords
  const words =
    budget.deltaWords - setupWords - reusedPages * limits.numPools - Math.max(0, start - delivered)
  tokens = Math.min(tokens, words)
  tokens = Math.min(tokens, words - pagesFor(tokens) * limits.numPools)
  if (sequence.promptRows) tokens = Math.min(tokens, tokensForRows(sequence, start, budget.rows))
  // Without a free row the prompt must not be completed: its last position is sampled.
  if (tokens === remaining && budget.rows === 0) tokens--
  if (tokens <= 0) return undefined
  const samples = tokens === remaining
  const end = start + tokens
  const contextRows = sequence.promptRows
    ? Math.max(0, Math.min(end, sequence.promptIds.length) - Math.max(start, sequence.logitsAsked))
    : 0
  const sampledApart = samples && (contextRows === 0 || end > sequence.promptIds.length)
  const rows = contextRows + (sampledApart ? 1 : 0)
  const item = {
    sequence,
    start,
    tokens,
    contextRows,
    samples,
    rows,
    newPages: pagesFor(tokens),
    reusedPages,
    firstNewPage: heldPages - reusedPages,
    deliverFrom: Math.min(delivered, end),
    sendsSetup: !sequence.setupSent,
  }
  return fits(item, budget, limits) ? item : undefined
}

/** Most tokens a context-logits sequence may compute so that its rows fit. */
function tokensForRows(sequence: Sequence, computed: number, rows: number): number {
  const { logitsAsked, promptIds, length } = sequence
  const withoutRows = Math.max(0, logitsAsked - computed)
  const wanted = Math.max(0, promptIds.length - Math.max(computed, logitsAsked))
  if (rows < wanted) return withoutRows + rows
  const sampledApart = length > promptIds.length || wanted === 0
  return sampledApart && rows === wanted ? length - computed - 1 : length - computed
}

/** Whether a piece of work fits the budget, with the deltas that the host writes for it. */
export const fits = (item: Work, budget: StepBudget, limits: SchedulerLimits): boolean =>
  weigh(item, budget, limits, false)

/** Takes what a piece of work needs out of the budget; false when it does not fit. */
export const takeIfFits = (item: Work, budget: StepBudget, limits: SchedulerLimits): boolean =>
  weigh(item, budget, limits, true)

function weigh(item: Work, budget: StepBudget, { numPools }: SchedulerLimits, takes: boolean): boolean {
  const { sequence, tokens, rows, sendsSetup } = item
  const delivered = item.start + tokens - item.deliverFrom
  const pages = item.newPages + item.reusedPages
  const deltas =
    (delivered > 0 ? 1 : 0) + (pages > 0 ? numPools : 0) + (sendsSetup ? sequence.setupDeltas : 0)
  const words = delivered + pages * numPools + (sendsSetup ? sequence.setupWords : 0)
  const isWithin =
    tokens <= budget.tokens && rows <= budget.rows && deltas <= budget.deltas && words <= budget.deltaWords
  if (!isWithin || !takes) return isWithin
  budget.tokens -= tokens
  budget.rows -= rows
  budget.deltas -= deltas
  budget.deltaWords -= words
  return true
}
