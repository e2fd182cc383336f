import type { KvCache, PageCopy } from '../cache/kv-cache.js'
import { LeasePool } from '../cache/lease-pool.js'
import type { PageOffer } from '../cache/page-offer.js'
import type { Admission, Work } from './batch.js'
import type { SchedulerLimits } from './budget.js'
import { promisedPages, reservedPages } from './reservation.js'
import { deliveredWith, type SchedulerView, schedule } from './schedule.js'
import type { Sequence } from './sequence.js'
import { SequenceList } from './sequence-list.js'
import { WaitingQueue } from './waiting-queue.js'

/** A decided step: its number and its work. Steps are numbered from 1 in the order they are submitted. */
export interface ScheduledStep {
  readonly number: number
  readonly work: readonly Work[]
  /** Copies to do before anything else. */
  readonly copies: readonly PageCopy[]
  readonly numAdmitted: number
}

/**
 * Carries out what `schedule` decides: keeps the queues, lends slots and pages, moves positions forward. It knows
 * nothing of time, devices or token values.
 */
export class Scheduler {
  readonly limits: SchedulerLimits
  readonly #cache: KvCache
  readonly #hasWindows: boolean
  readonly #slots: LeasePool
  readonly #waiting = new WaitingQueue()
  readonly #running = new SequenceList()
  readonly #paused = new SequenceList()
  #lastStep = 0
  #retiredStep = 0
  /** Since when, in milliseconds and steps, sequences are kept waiting for a fuller batch. */
  #heldSinceMs: number | undefined
  #heldSteps = 0
  #lastArrival = -1
  #staticBatch = { size: 0, lastArrival: -1 }
  #pauses = 0

  constructor(limits: SchedulerLimits, cache: KvCache, numSlots: number) {
    this.limits = limits
    this.#cache = cache
    this.#hasWindows = limits.windows.some((window) => window > 0)
    this.#slots = new LeasePool(numSlots)
  }

  get running(): readonly Sequence[] {
    return this.#running.all
  }

  get numWaiting(): number {
    return this.#waiting.size
  }

  get numPaused(): number {
    return this.#paused.size
  }

  /** Times that a sequence was paused. */
  get pauses(): number {
    return this.#pauses
  }

  /** When kept waiting sequences are let in at the latest; undefined when nobody is kept waiting. */
  get wakeAtMs(): number | undefined {
    const { timeoutMs } = this.limits.batchWait
    return this.#heldSinceMs === undefined || timeoutMs === 0 ? undefined : this.#heldSinceMs + timeoutMs
  }

  /** Queues a new sequence. */
  add(sequence: Sequence): void {
    this.#lastArrival = Math.max(this.#lastArrival, sequence.arrival)
    this.#waiting.push(sequence)
  }

  /** Decides the next step and takes what it needs; undefined when there is nothing to do now. */
  next(nowMs: number): ScheduledStep | undefined {
    this.#cache.expire(nowMs)
    const batch = schedule(this.#view(nowMs), this.limits)
    for (const sequence of batch.pause) this.#pause(sequence)
    if (batch.isHolding) this.#heldSinceMs ??= nowMs
    else this.#heldSinceMs = undefined
    this.#heldSteps = batch.isHolding ? this.#heldSteps + 1 : 0
    if (batch.work.length === 0) {
      // Whoever was paused may come back at once: what it held beside its own pages is idle now.
      return batch.pause.length > 0 ? this.next(nowMs) : undefined
    }
    const number = ++this.#lastStep
    if (this.#running.size === 0) this.#staticBatch = { size: 0, lastArrival: this.#lastArrival }
    this.#staticBatch.size += batch.admit.length
    // All offers are taken up before a page is lent, because that may evict what was offered.
    for (const admission of batch.admit) this.#admit(admission, nowMs)
    for (const item of batch.work) this.#commit(item, number)
    const copies = batch.admit.flatMap(({ sequence, offer }) =>
      this.#cache.copyPartial(sequence.slot, offer, number),
    )
    return { number, work: batch.work, copies, numAdmitted: batch.admit.length }
  }

  /**
   * Says that a step has finished on the device and its results are about to be read; what it wrote is complete unless it
   * `failed`. Steps retire in order.
   */
  retire(step: ScheduledStep, failed: boolean, nowMs: number): void {
    this.#retiredStep = step.number
    this.#cache.retire(step.number)
    this.#slots.retire(step.number)
    for (const { sequence, start, tokens } of step.work) {
      sequence.inFlight--
      if (sequence.status !== 'running' || failed) continue
      sequence.complete = start + tokens
      this.#cache.publish(sequence.slot, sequence.prefix, sequence.complete, nowMs)
      if (!this.#hasWindows) continue
      this.#cache.trim(sequence.slot, sequence.complete)
      sequence.firstPages = [...this.#cache.slot(sequence.slot).first]
    }
  }

  /** Says the next token of a sequence that the host chooses for. */
  append(sequence: Sequence, token: number): void {
    if (!sequence.awaitsToken) throw new Error(`scheduler: ${sequence.id} awaits no token`)
    sequence.awaitsToken = false
    sequence.generatedIds.push(token)
    sequence.length++
  }

  /** Takes in a fork of a running or paused sequence; it comes in as one that was paused. */
  fork(sequence: Sequence): void {
    this.#insertPaused(sequence)
  }

  /** Ends a sequence in any status. Its slot and pages return when no step in flight can touch them. */
  finish(sequence: Sequence): void {
    const { status } = sequence
    sequence.status = 'finished'
    if (status === 'waiting') this.#waiting.left(sequence, false)
    if (status === 'running') {
      this.#running.ended()
      this.#giveBack(sequence)
    }
    if (status === 'paused') this.#paused.ended()
  }

  /** Throws when slots, pages and sequences disagree. */
  check(): void {
    this.#slots.check('slots')
    this.#cache.check()
    if (this.#slots.leased !== this.#running.size) {
      throw new Error(
        `scheduler: ${this.#slots.leased} slots lent to ${this.#running.size} running sequences`,
      )
    }
    const pools = this.#cache.poolCounts
    const promised = pools.map(({ shared }) => shared)
    for (const sequence of this.#running.all) {
      const { id, slot, heldPages, computed } = sequence
      if (this.#cache.slot(slot).length !== heldPages) throw new Error(`scheduler: ${id} miscounts its pages`)
      if (heldPages < this.#cache.pagesFor(computed)) throw new Error(`scheduler: ${id} lacks pages`)
      for (let k = 0; k < pools.length; k++) promised[k]! += promisedPages(sequence, k, this.limits)
    }
    for (const [k, { free, pending }] of pools.entries()) {
      if (promised[k]! > free + pending)
        throw new Error(
          `scheduler: ${promised[k]} pages promised, ${free} free, ${pending} pending in pool ${k}`,
        )
    }
    for (const sequence of this.#paused.all) {
      if (sequence.slot !== -1 || sequence.heldPages !== 0)
        throw new Error(`scheduler: ${sequence.id} is paused, not empty`)
    }
  }

  #view(nowMs: number): SchedulerView {
    return {
      running: this.#running.all,
      paused: this.#paused.all,
      waiting: this.#waiting.inOrder(),
      numWaiting: this.#waiting.size,
      waitingTokens: this.#waiting.tokens,
      pages: this.#cache.poolCounts,
      freeSlots: this.#slots.free,
      retiredStep: this.#retiredStep,
      isIdle: this.#retiredStep === this.#lastStep,
      heldMs: this.#heldSinceMs === undefined ? 0 : nowMs - this.#heldSinceMs,
      heldSteps: this.#heldSteps,
      staticBatch: this.#staticBatch,
      offer: ({ prefix }, most, withPartial) => this.#cache.offer(prefix, most, withPartial),
      isComing: ({ prefix }, offer) => this.#cache.isComing(prefix, offer),
      releasable: ({ slot }) => this.#cache.releasable(slot),
    }
  }

  #admit({ sequence, offer }: Admission, nowMs: number): void {
    const isNew = sequence.status === 'waiting'
    sequence.status = 'running'
    if (isNew) this.#waiting.left(sequence, true)
    else this.#paused.remove(sequence)
    sequence.slot = this.#slots.lease(sequence.arrival)
    this.#cache.claim(sequence.slot, sequence.prefix, offer, nowMs)
    this.#begin(sequence, offer)
    if (isNew) sequence.cachedTokens = offer.tokens
    this.#running.insert(sequence, ({ level }) => level >= sequence.level)
  }

  /** Puts a sequence behind the tokens that the cache had. */
  #begin(sequence: Sequence, offer: PageOffer): void {
    sequence.reservedPages = reservedPages(sequence, this.limits)
    sequence.computed = offer.tokens
    sequence.complete = offer.pages * this.limits.pageTokens
    sequence.delivered = deliveredWith(sequence, offer)
    sequence.heldPages = offer.pages
    sequence.firstPages = this.#hasWindows ? [...this.#cache.slot(sequence.slot).first] : []
  }

  #pause(sequence: Sequence): void {
    this.#pauses++
    this.#running.remove(sequence)
    this.#giveBack(sequence)
    sequence.status = 'paused'
    sequence.computed = 0
    sequence.complete = 0
    sequence.delivered = 0
    sequence.setupSent = false
    this.#insertPaused(sequence)
  }

  #insertPaused(sequence: Sequence): void {
    this.#paused.insert(sequence, ({ arrival }) => arrival <= sequence.arrival)
  }

  #giveBack(sequence: Sequence): void {
    this.#cache.release(sequence.slot, sequence.lastStep)
    this.#slots.giveBack(sequence.slot, sequence.arrival, sequence.lastStep)
    sequence.slot = -1
    sequence.heldPages = 0
    sequence.reservedPages = 0
  }

  #commit({ sequence, start, tokens, newPages, samples }: Work, step: number): void {
    const end = start + tokens
    this.#cache.extend(sequence.slot, newPages)
    sequence.heldPages += newPages
    sequence.computed = end
    sequence.delivered = Math.max(sequence.delivered, end)
    sequence.logitsAsked = Math.max(sequence.logitsAsked, Math.min(end, sequence.promptIds.length))
    sequence.setupSent = true
    sequence.inFlight++
    sequence.lastStep = step
    if (!samples) return
    if (sequence.chosenByHost) {
      sequence.awaitsToken = true
      return
    }
    sequence.length++
    // The device appends the sampled id itself.
    sequence.delivered = sequence.length
  }
}
