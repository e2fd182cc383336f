import type { SchedulerLimits } from './budget.js'
import { promisedPages, reservedPages } from './reservation.js'
import type { SchedulerView } from './schedule.js'
import { isExhausted, type Sequence } from './sequence.js'

/**
 * The page account of one decision. Pages that running sequences reserved and do not hold yet are promised: nobody
 * else may take them. It always holds that promised <= free.
 */
export class PageLedger {
  /** Sequences this decision pauses, youngest first. */
  readonly paused = new Set<Sequence>()
  readonly #view: SchedulerView
  readonly #limits: SchedulerLimits
  #free: number
  /** Pages that come back without anybody being paused. */
  #coming: number
  #promised = 0
  /** Index of the youngest running sequence that is not looked at for a pause yet. */
  #youngest: number

  constructor(view: SchedulerView, limits: SchedulerLimits) {
    this.#view = view
    this.#limits = limits
    this.#free = view.pages.free
    this.#coming = view.pages.pending
    this.#youngest = view.running.length - 1
    for (const sequence of view.running) {
      this.#promised += promisedPages(sequence)
      if (isExhausted(sequence)) this.#coming += sequence.heldPages
    }
  }

  /** Pages a sequence lacks for its first `tokens` positions. */
  pagesToAdd(sequence: Sequence, tokens: number): number {
    return Math.max(0, Math.ceil(tokens / this.#limits.pageTokens) - sequence.heldPages)
  }

  /**
   * Takes `count` pages for a running sequence; false when they are not there now. Beyond what it reserved, it pauses
   * the youngest sequences, itself last, until enough pages are free or on their way back.
   */
  grow(sequence: Sequence, count: number): boolean {
    const fromPromise = Math.min(count, promisedPages(sequence))
    const extra = count - fromPromise
    while (extra > this.#free - this.#promised) {
      if (extra <= this.#free + this.#coming - this.#promised) return false
      const victim = this.#pauseYoungest()
      if (victim === undefined || victim === sequence) return false
    }
    this.#free -= count
    this.#promised -= fromPromise
    return true
  }

  /**
   * Promises a new or returning sequence its reservation and takes its first `count` pages out of it; false when the
   * reservation does not fit beside the promises made.
   */
  admit(sequence: Sequence, count: number): boolean {
    const reserved = reservedPages(sequence, this.#view.pages.total, this.#limits)
    if (reserved > this.#free - this.#promised) return false
    this.#free -= count
    this.#promised += reserved - count
    return true
  }

  #pauseYoungest(): Sequence | undefined {
    while (this.#youngest >= 0) {
      const victim = this.#view.running[this.#youngest--]!
      // One that has all its tokens in flight ends by itself.
      if (isExhausted(victim)) continue
      this.paused.add(victim)
      this.#promised -= promisedPages(victim)
      if (victim.lastStep <= this.#view.retiredStep) this.#free += victim.heldPages
      else this.#coming += victim.heldPages
      return victim
    }
    return undefined
  }
}
