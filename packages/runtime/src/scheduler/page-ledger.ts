import type { PageOffer } from '../cache/page-offer.js'
import type { SchedulerLimits } from './budget.js'
import { promisedPages, reservedPages, windowEnd } from './reservation.js'
import type { SchedulerView } from './schedule.js'
import { isExhausted, type Sequence } from './sequence.js'

/**
 * The page account of one decision, pool by pool. Pages that running sequences reserved and do not hold yet are promised:
 * nobody else may take them. Between decisions promised <= free + pending always holds.
 */
export class PageLedger {
  /** Sequences this decision pauses, last of the running first. */
  readonly paused = new Set<Sequence>()
  readonly #view: SchedulerView
  readonly #limits: SchedulerLimits
  readonly #free: number[]
  /** Pages that come back without anybody being paused. */
  readonly #coming: number[]
  readonly #promised: number[]
  /** Index of the last running sequence that is not looked at for a pause yet. */
  #last: number

  constructor(view: SchedulerView, limits: SchedulerLimits) {
    this.#view = view
    this.#limits = limits
    this.#free = view.pages.map(({ free }) => free)
    this.#coming = view.pages.map(({ pending }) => pending)
    this.#promised = view.pages.map(({ shared }) => shared)
    this.#last = view.running.length - 1
    const { numPools } = limits
    for (const sequence of view.running) {
      for (let k = 0; k < numPools; k++) this.#promised[k]! += promisedPages(sequence, k, limits)
      if (isExhausted(sequence)) this.#expect(sequence)
    }
  }

  /** Pages a sequence that holds `held` lacks for its first `tokens` positions. */
  pagesToAdd(held: number, tokens: number): number {
    return Math.max(0, Math.ceil(tokens / this.#limits.pageTokens) - held)
  }

  /**
   * Takes `count` pages of each pool for a running sequence; false when they are not there now. Beyond what it reserved,
   * it pauses the last running sequences, itself at the end, until enough pages are free or on their way back.
   */
  grow(sequence: Sequence, count: number): boolean {
    if (count === 0) return true
    while (!this.#has(sequence, count)) {
      if (this.#willHave(sequence, count)) return false
      const victim = this.#pauseLast()
      if (victim === undefined || victim === sequence) return false
    }
    for (let k = 0; k < this.#free.length; k++) {
      this.#promised[k]! -= Math.min(count, promisedPages(sequence, k, this.#limits))
      this.#free[k]! -= count
    }
    return true
  }

  /**
   * Promises a new or returning sequence its reservation, gives it the offered pages and its first `count` pages out of
   * the reservation; false when that does not fit beside the promises made.
   */
  admit(sequence: Sequence, offer: PageOffer, count: number): boolean {
    const reserved = Math.max(reservedPages(sequence, this.#limits), offer.pages + count)
    const pools = this.#free.length
    for (let k = 0; k < pools; k++) {
      const room = this.#free[k]! - this.#promised[k]! - offer.idle[k]! - offer.shared[k]!
      if (this.#lacking(sequence, offer, k, reserved) > room) return false
    }
    for (let k = 0; k < pools; k++) {
      const lacking = this.#lacking(sequence, offer, k, reserved)
      this.#free[k]! -= offer.idle[k]! + count
      this.#promised[k]! += offer.shared[k]! + Math.max(0, lacking - count)
    }
    return true
  }

  /** Pages that a sequence which comes in needs beside those offered. */
  #lacking(sequence: Sequence, { pages, first }: PageOffer, pool: number, reserved: number): number {
    if (this.#limits.windows[pool] === 0) return reserved - pages
    return Math.min(reserved, windowEnd(sequence, first[pool]!, pages, pool, this.#limits)) - pages
  }

  #has(sequence: Sequence, count: number): boolean {
    for (let k = 0; k < this.#free.length; k++) {
      // A promised page may be on its way: its last reader has ended and not retired.
      if (count > this.#free[k]!) return false
      const extra = count - Math.min(count, promisedPages(sequence, k, this.#limits))
      if (extra > this.#free[k]! - this.#promised[k]!) return false
    }
    return true
  }

  #willHave(sequence: Sequence, count: number): boolean {
    for (let k = 0; k < this.#free.length; k++) {
      const extra = count - Math.min(count, promisedPages(sequence, k, this.#limits))
      if (extra > this.#free[k]! + this.#coming[k]! - this.#promised[k]!) return false
    }
    return true
  }

  /** Counts the pages of a sequence that ends by itself. */
  #expect({ heldPages, firstPages }: Sequence): void {
    for (let k = 0; k < this.#coming.length; k++) this.#coming[k]! += heldPages - (firstPages[k] ?? 0)
  }

  #pauseLast(): Sequence | undefined {
    while (this.#last >= 0) {
      const victim = this.#view.running[this.#last--]!
      // One that has all its tokens in flight ends by itself.
      if (isExhausted(victim)) continue
      this.paused.add(victim)
      const released = this.#view.releasable(victim)
      const gets = victim.lastStep <= this.#view.retiredStep ? this.#free : this.#coming
      for (let k = 0; k < gets.length; k++) {
        this.#promised[k]! -= promisedPages(victim, k, this.#limits)
        gets[k]! += released[k]!
      }
      return victim
    }
    return undefined
  }
}
