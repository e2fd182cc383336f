import type { PoolCounts } from '../cache/kv-cache.js'
import type { PageOffer } from '../cache/page-offer.js'
import type { Admission, Batch, Work } from './batch.js'
import { keepsWaiting } from './batch-wait.js'
import { fullBudget, type SchedulerLimits, type StepBudget } from './budget.js'
import { asItIs, type ChunkStart, chunk, fits, takeIfFits } from './chunk.js'
import { equalShares } from './equal-progress.js'
import { PageLedger } from './page-ledger.js'
import { isDecoding, isExhausted, remainingTokens, type Sequence } from './sequence.js'

/** All that a decision depends on: plain data, and questions to the cache that change nothing. No clock, no device. */
export interface SchedulerView {
  /** Running sequences, highest level first, in it oldest admission first. */
  readonly running: readonly Sequence[]
  /** Paused sequences, oldest arrival first. */
  readonly paused: readonly Sequence[]
  /** Waiting sequences, next one first. Read no further than the head that does not fit. */
  readonly waiting: Iterable<Sequence>
  readonly numWaiting: number
  readonly waitingTokens: number
  readonly pages: readonly PoolCounts[]
  readonly freeSlots: number
  /** Every step up to this one has retired. */
  readonly retiredStep: number
  /** Whether no step is in flight. */
  readonly isIdle: boolean
  /** How long sequences have been kept waiting for a fuller batch. */
  readonly heldMs: number
  readonly heldSteps: number
  /** Sequences that came in since nobody ran, and the latest arrival when the first of them did. */
  readonly staticBatch: { readonly size: number; readonly lastArrival: number }
  /** What the cache has for a sequence that comes in, `mostTokens` at most. */
  offer(sequence: Sequence, mostTokens: number, withPartial: boolean): PageOffer
  /** Whether a running sequence computes the first page that the cache lacks. */
  isComing(sequence: Sequence, offer: PageOffer): boolean
  /** A pool: pages that would come back if a running sequence were paused. */
  releasable(sequence: Sequence): readonly number[]
}

/** Waiting sequences that may be passed over in one decision because their prefix is being computed. */
const mostPassedOver = 8

/**
 * Picks the work of the next step. Pure: it changes nothing it is given. O(running sequences), whatever the number
 * waiting.
 *
 * Order and fairness:
 * 1. Every decoding sequence gets one row, in the order of running. A step always has room for all of them, because no
 *    more run than a step has tokens and rows for; so decoding never starves.
 * 2. The rest of the token budget goes to prefill chunks: the first prompt takes what it can use, the next one what is
 *    left, or all take equal shares. At least one token is left for the first prompt, because it is not among the
 *    decoding ones; so prefill never starves.
 * 3. Paused sequences come back before anyone new is admitted, then the queue is served in its order. The head of the
 *    line is overtaken only while a running sequence computes pages that it will share: otherwise, when it does not fit
 *    (pages, slot, delta words), nobody behind it is admitted, so a large request waits only for those before it.
 *
 * A sequence whose next token the host says has no work until then; it keeps its room unless nothing else runs and a
 * paused one could.
 *
 * A sequence that outgrows what it reserved takes unpromised pages. When there are none, the last running sequence is
 * paused; a sequence never pauses one before it, so the first always advances and everyone else follows.
 */
export function schedule(view: SchedulerView, limits: SchedulerLimits): Batch {
  return new Decision(view, limits).make()
}

class Decision {
  readonly #view: SchedulerView
  readonly #limits: SchedulerLimits
  readonly #budget: StepBudget
  readonly #ledger: PageLedger
  readonly #work: Work[] = []
  readonly #admit: Admission[] = []

  constructor(view: SchedulerView, limits: SchedulerLimits) {
    this.#view = view
    this.#limits = limits
    this.#budget = fullBudget(limits)
    this.#ledger = new PageLedger(view, limits)
  }

  make(): Batch {
    const prompts: Sequence[] = []
    for (const sequence of this.#view.running) {
      if (isExhausted(sequence) || sequence.awaitsToken) continue
      if (!isDecoding(sequence)) prompts.push(sequence)
      else if (this.#ledger.paused.size === 0 || !this.#ledger.paused.has(sequence)) this.#decode(sequence)
    }
    const decodingTokens = this.#limits.maxNumTokens - this.#budget.tokens
    const share = this.#shares(prompts)
    for (const sequence of prompts) {
      if (this.#ledger.paused.has(sequence)) continue
      const item = chunk(asItIs(sequence), share.of(sequence), this.#budget, this.#limits)
      if (item && this.#ledger.grow(sequence, item.newPages)) this.#take(item)
    }
    // Whoever had to be paused in this step left no room for others.
    if (this.#ledger.paused.size > 0) return this.#batch(false)
    const { numWaiting, waitingTokens, heldMs, heldSteps } = this.#view
    const freeSlots = this.#freeSlots
    const wait = { numWaiting, waitingTokens, decodingTokens, freeSlots, heldMs, heldSteps }
    const isHolding = freeSlots > 0 && keepsWaiting(wait, this.#limits)
    this.#letIn(share.ofNew, isHolding)
    if (this.#work.length === 0) this.#makeRoom()
    return this.#batch(isHolding)
  }

  /**
   * Where nothing runs and a paused sequence could, the room is taken by sequences that await the host: the last of them
   * is paused. So those whose tokens depend on each other never wait for each other's room. Who waits to begin has no
   * such claim: rows would be computed again for every token.
   */
  #makeRoom(): void {
    const { isIdle, running, paused } = this.#view
    const isWanted = paused.some(({ awaitsToken }) => !awaitsToken)
    const last = isIdle && isWanted ? running.findLast(({ awaitsToken }) => awaitsToken) : undefined
    if (last) this.#ledger.paused.add(last)
  }

  #batch(isHolding: boolean): Batch {
    return { pause: [...this.#ledger.paused], admit: this.#admit, isHolding, work: this.#work }
  }

  get #freeSlots(): number {
    const { freeSlots, running } = this.#view
    return Math.min(freeSlots, this.#limits.maxBatchSize - running.length) - this.#admit.length
  }

  #decode(sequence: Sequence): void {
    const newPages = this.#ledger.pagesToAdd(sequence.heldPages, sequence.length)
    const item: Work = {
      sequence,
      start: sequence.computed,
      tokens: 1,
      contextRows: 0,
      samples: true,
      rows: 1,
      newPages,
      reusedPages: 0,
      firstNewPage: sequence.heldPages,
      deliverFrom: Math.min(sequence.delivered, sequence.length),
      sendsSetup: !sequence.setupSent,
    }
    // PERF: most rows need no page; the budget is weighed once for them.
    const grows = newPages === 0 || fits(item, this.#budget, this.#limits)
    if (grows && this.#ledger.grow(sequence, newPages)) this.#take(item)
  }

  #take(item: Work): void {
    if (takeIfFits(item, this.#budget, this.#limits)) this.#work.push(item)
  }

  /** Most tokens that running prompts and new ones may take of this step. */
  #shares(prompts: readonly Sequence[]): { of: (sequence: Sequence) => number; ofNew: number } {
    if (this.#limits.chunking === 'FIRST_COME_FIRST_SERVED') {
      return { of: () => Number.POSITIVE_INFINITY, ofNew: Number.POSITIVE_INFINITY }
    }
    const { pageTokens } = this.#limits
    const most = Math.ceil(this.#budget.tokens / pageTokens)
    const numNew = Math.max(
      0,
      Math.min(this.#freeSlots, this.#view.numWaiting + this.#view.paused.length, most),
    )
    const needs = prompts.map(remainingTokens)
    const fresh = new Array<number>(numNew).fill(this.#budget.tokens)
    const shares = equalShares([...needs, ...fresh], this.#budget.tokens, pageTokens)
    const byId = new Map(prompts.map((sequence, i) => [sequence, shares[i]!]))
    const ofNew = numNew === 0 ? Number.POSITIVE_INFINITY : Math.max(...shares.slice(prompts.length), 1)
    return { of: (sequence) => byId.get(sequence)!, ofNew }
  }

  #letIn(mostTokens: number, isHolding: boolean): void {
    const { paused, waiting } = this.#view
    for (const sequence of paused) {
      if (sequence.awaitsToken) continue
      // A paused sequence comes back when the host knows all its tokens.
      if (sequence.inFlight > 0 || !this.#comeIn(sequence, mostTokens)) return
    }
    if (isHolding || this.#freeSlots === 0) return
    let passedOver = 0
    for (const sequence of waiting) {
      if (this.#freeSlots === 0 || !this.#joins(sequence)) return
      if (this.#limits.prefixAware && this.#isWorthWaiting(sequence)) {
        if (++passedOver > mostPassedOver) return
      } else if (!this.#comeIn(sequence, mostTokens)) return
    }
  }

  /** Whether a sequence may join those that run: a static batch takes those that waited when it began. */
  #joins({ arrival }: Sequence): boolean {
    if (this.#limits.policy !== 'STATIC_BATCH' || this.#view.running.length === 0) return true
    const { size, lastArrival } = this.#view.staticBatch
    return arrival <= lastArrival && size + this.#admit.length < this.#limits.maxBatchSize
  }

  #isWorthWaiting(sequence: Sequence): boolean {
    if (sequence.promptRows) return false
    return this.#view.isComing(sequence, this.#view.offer(sequence, Number.POSITIVE_INFINITY, false))
  }

  #comeIn(sequence: Sequence, mostTokens: number): boolean {
    if (this.#freeSlots <= 0) return false
    // A page to copy from stays where it is: a sequence that fills the whole pool has to do without.
    return this.#comeInWith(sequence, mostTokens, true) || this.#comeInWith(sequence, mostTokens, false)
  }

  #comeInWith(sequence: Sequence, mostTokens: number, withPartial: boolean): boolean {
    const offer = this.#view.offer(sequence, this.#mostReused(sequence), withPartial)
    if (withPartial && offer.tokens === 0) return false
    const item = chunk(startWith(sequence, offer), mostTokens, this.#budget, this.#limits)
    if (!item || !this.#ledger.admit(sequence, offer, item.newPages)) return false
    this.#take(item)
    this.#admit.push({ sequence, offer })
    return true
  }

  /** Cached tokens that a sequence can take over: their pages, and ids where needed, must fit the deltas of this step. */
  #mostReused(sequence: Sequence): number {
    const { pageTokens, numPools } = this.#limits
    const room = this.#budget.deltaWords - sequence.setupWords - numPools - 1
    const wordsPerPage = numPools + (sequence.needsHistory ? pageTokens : 0)
    const tokens = Math.max(0, Math.floor(room / wordsPerPage)) * pageTokens
    // Every prompt position of a sequence that wants context logits is computed once.
    return sequence.promptRows ? Math.min(tokens, sequence.logitsAsked) : tokens
  }
}

/** Tokens that need not be delivered to the slot of a sequence that comes in. */
export const deliveredWith = (sequence: Sequence, offer: PageOffer): number =>
  sequence.needsHistory ? 0 : offer.tokens

const startWith = (sequence: Sequence, offer: PageOffer): ChunkStart => ({
  sequence,
  computed: offer.tokens,
  delivered: deliveredWith(sequence, offer),
  heldPages: offer.pages,
  reusedPages: offer.pages,
})
