import type { PageCounts } from '../cache/kv-cache.js'
import type { Batch, Work } from './batch.js'
import { fullBudget, type SchedulerLimits, type StepBudget } from './budget.js'
import { PageLedger } from './page-ledger.js'
import { isDecoding, isExhausted, remainingTokens, type Sequence } from './sequence.js'

/** All that a decision depends on. Plain data: no clock, no device. */
export interface SchedulerView {
  /** Running sequences, oldest admission first. */
  readonly running: readonly Sequence[]
  /** Paused sequences, oldest arrival first. */
  readonly paused: readonly Sequence[]
  /** Waiting sequences, oldest first. Read no further than the head that does not fit. */
  readonly waiting: Iterable<Sequence>
  readonly pages: PageCounts
  readonly freeSlots: number
  /** Every step up to this one has retired. */
  readonly retiredStep: number
}

/**
 * Picks the work of the next step. Pure: it changes nothing it is given. O(running sequences), whatever the number
 * waiting.
 *
 * Order and fairness:
 * 1. Every decoding sequence gets one row, oldest first. A step always has room for all of them, because no more
 *    run than a step has tokens and rows for; so decoding never starves.
 * 2. The rest of the token budget goes to prefill chunks, oldest first: the oldest prompt takes what it can use, the
 *    next one what is left. At least one token is left for the oldest prompt, because it is not among the decoding
 *    ones; so prefill never starves.
 * 3. Paused sequences come back before anyone new is admitted, then the queue is served first come, first served.
 *    The head of the line is never overtaken: when it does not fit (pages, slot, delta words), nobody behind it is
 *    admitted, so a large request waits only for those who came before it.
 *
 * A sequence that outgrows what it reserved takes unpromised pages. When there are none, the youngest running
 * sequence is paused; a sequence never pauses an older one, so the oldest always advances and everyone else follows.
 */
export function schedule(view: SchedulerView, limits: SchedulerLimits): Batch {
  const budget = fullBudget(limits)
  const ledger = new PageLedger(view, limits)
  const work: Work[] = []
  const admit: Sequence[] = []

  for (const sequence of view.running) {
    if (!isDecoding(sequence) || isExhausted(sequence) || ledger.paused.has(sequence)) continue
    const newPages = ledger.pagesToAdd(sequence, sequence.length)
    const item: Work = {
      sequence,
      start: sequence.computed,
      tokens: 1,
      contextRows: 0,
      samples: true,
      rows: 1,
      newPages,
    }
    if (!fits(item, budget, limits) || !ledger.grow(sequence, newPages)) continue
    spend(item, budget, limits)
    work.push(item)
  }
  for (const sequence of view.running) {
    if (isDecoding(sequence) || isExhausted(sequence) || ledger.paused.has(sequence)) continue
    const item = chunk(sequence, budget, limits, ledger)
    if (!item || !ledger.grow(sequence, item.newPages)) continue
    spend(item, budget, limits)
    work.push(item)
  }
  // Whoever had to be paused in this step left no room for others.
  if (ledger.paused.size > 0) return { pause: [...ledger.paused], admit, work }

  let freeSlots = Math.min(view.freeSlots, limits.maxBatchSize - view.running.length)
  const comeIn = (sequence: Sequence): boolean => {
    if (freeSlots === 0) return false
    const item = chunk(sequence, budget, limits, ledger)
    if (!item || !ledger.admit(sequence, item.newPages)) return false
    spend(item, budget, limits)
    work.push(item)
    admit.push(sequence)
    freeSlots--
    return true
  }
  for (const sequence of view.paused) {
    // A paused sequence comes back when the host knows all its tokens.
    if (sequence.inFlight > 0 || !comeIn(sequence)) return { pause: [], admit, work }
  }
  for (const sequence of view.waiting) {
    if (!comeIn(sequence)) break
  }
  return { pause: [], admit, work }
}

/** The largest chunk of a sequence that fits the budget, or undefined when not even one token does. */
function chunk(
  sequence: Sequence,
  budget: StepBudget,
  limits: SchedulerLimits,
  ledger: PageLedger,
): Work | undefined {
  const remaining = remainingTokens(sequence)
  const start = sequence.computed
  let tokens = Math.min(remaining, budget.tokens)
  const words = budget.deltaWords - (sequence.setupSent ? 0 : sequence.setupWords)
  tokens = Math.min(tokens, words)
  tokens = Math.min(tokens, words - ledger.pagesToAdd(sequence, start + tokens) * limits.numPools)
  if (sequence.contextLogits) tokens = Math.min(tokens, tokensForRows(sequence, budget.rows))
  // Without a free row the prompt must not be completed: its last position is sampled.
  if (tokens === remaining && budget.rows === 0) tokens--
  if (tokens <= 0) return undefined
  const samples = tokens === remaining
  const end = start + tokens
  const contextRows = sequence.contextLogits
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
    newPages: ledger.pagesToAdd(sequence, end),
  }
  return fits(item, budget, limits) ? item : undefined
}

/** Most tokens a context-logits sequence may compute so that its rows fit. */
function tokensForRows(sequence: Sequence, rows: number): number {
  const { computed, logitsAsked, promptIds, length } = sequence
  const withoutRows = Math.max(0, logitsAsked - computed)
  const wanted = Math.max(0, promptIds.length - Math.max(computed, logitsAsked))
  if (rows < wanted) return withoutRows + rows
  const sampledApart = length > promptIds.length || wanted === 0
  return sampledApart && rows === wanted ? length - computed - 1 : length - computed
}

/** Delta records and words that the host writes for a piece of work. */
export function deltaCost(item: Work, limits: SchedulerLimits): { deltas: number; words: number } {
  const { sequence, start, tokens, newPages } = item
  const delivered = Math.max(0, start + tokens - sequence.delivered)
  const setup = !sequence.setupSent
  return {
    deltas:
      (delivered > 0 ? 1 : 0) + (newPages > 0 ? limits.numPools : 0) + (setup ? sequence.setupDeltas : 0),
    words: delivered + newPages * limits.numPools + (setup ? sequence.setupWords : 0),
  }
}

function fits(item: Work, budget: StepBudget, limits: SchedulerLimits): boolean {
  const cost = deltaCost(item, limits)
  return (
    item.tokens <= budget.tokens &&
    item.rows <= budget.rows &&
    cost.deltas <= budget.deltas &&
    cost.words <= budget.deltaWords
  )
}

function spend(item: Work, budget: StepBudget, limits: SchedulerLimits): void {
  const cost = deltaCost(item, limits)
  budget.tokens -= item.tokens
  budget.rows -= item.rows
  budget.deltas -= cost.deltas
  budget.deltaWords -= cost.words
}
