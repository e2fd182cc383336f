import type { KvCache } from '../cache/kv-cache.js'
import { LeasePool } from '../cache/lease-pool.js'
import type { Work } from './batch.js'
import type { SchedulerLimits } from './budget.js'
import { reservedPages } from './reservation.js'
import { schedule } from './schedule.js'
import type { Sequence } from './sequence.js'
import { WaitingQueue } from './waiting-queue.js'

/** A piece of work after its pages and slot are taken, with what the host has to deliver for it. */
export interface ScheduledWork extends Work {
  readonly slot: number
  /** First position whose token the host writes; positions from here to the end of the chunk are delivered. */
  readonly deliverFrom: number
  /** Index of the first new page in the slot's page table. */
  readonly firstNewPage: number
  /** Whether the sampling record and the lists go with this step. */
  readonly sendsSetup: boolean
}

/** A decided step: its number and its work. Steps are numbered from 1 in the order they are submitted. */
export interface ScheduledStep {
  readonly number: number
  readonly work: readonly ScheduledWork[]
  readonly numAdmitted: number
  readonly numPaused: number
}

/**
 * Carries out what `schedule` decides: keeps the queues, lends slots and pages, moves positions forward. It knows
 * nothing of time, devices or token values.
 */
export class Scheduler {
  readonly limits: SchedulerLimits
  readonly #cache: KvCache
  readonly #slots: LeasePool
  readonly #waiting = new WaitingQueue()
  #running: Sequence[] = []
  #paused: Sequence[] = []
  #lastStep = 0
  #retiredStep = 0

  constructor(limits: SchedulerLimits, cache: KvCache, numSlots: number) {
    this.limits = limits
    this.#cache = cache
    this.#slots = new LeasePool(numSlots)
  }

  get running(): readonly Sequence[] {
    return this.#running
  }

  get numWaiting(): number {
    return this.#waiting.size
  }

  get numPaused(): number {
    return this.#paused.length
  }

  /** Queues a new sequence behind all others. */
  add(sequence: Sequence): void {
    this.#waiting.push(sequence)
  }

  /** Decides the next step and takes what it needs; undefined when there is nothing to do now. */
  next(): ScheduledStep | undefined {
    const batch = schedule(
      {
        running: this.#running,
        paused: this.#paused,
        waiting: this.#waiting.inOrder(),
        pages: this.#cache.counts,
        freeSlots: this.#slots.free,
        retiredStep: this.#retiredStep,
      },
      this.limits,
    )
    for (const sequence of batch.pause) this.#pause(sequence)
    if (batch.work.length === 0) return undefined
    for (const sequence of batch.admit) this.#admit(sequence)
    const number = ++this.#lastStep
    const work = batch.work.map((item) => this.#commit(item, number))
    return { number, work, numAdmitted: batch.admit.length, numPaused: batch.pause.length }
  }

  /** Says that a step has finished on the device and its results are about to be read. Steps retire in order. */
  retire(step: ScheduledStep): void {
    this.#retiredStep = step.number
    this.#cache.retire(step.number)
    this.#slots.retire(step.number)
    for (const item of step.work) item.sequence.inFlight--
  }

  /** Ends a sequence in any status. Its slot and pages return when no step in flight can touch them. */
  finish(sequence: Sequence): void {
    if (sequence.status === 'waiting') this.#waiting.left()
    if (sequence.status === 'running') {
      this.#running = this.#running.filter((other) => other !== sequence)
      this.#giveBack(sequence)
    }
    if (sequence.status === 'paused') this.#paused = this.#paused.filter((other) => other !== sequence)
    sequence.status = 'finished'
  }

  /** Throws when slots, pages and sequences disagree. */
  check(): void {
    this.#slots.check('slots')
    this.#cache.check()
    if (this.#slots.leased !== this.#running.length) {
      throw new Error(
        `scheduler: ${this.#slots.leased} slots lent to ${this.#running.length} running sequences`,
      )
    }
    let promised = 0
    for (const sequence of this.#running) {
      const { id, slot, heldPages, reservedPages: reserved, computed } = sequence
      if (this.#cache.heldPages(slot) !== heldPages) throw new Error(`scheduler: ${id} miscounts its pages`)
      if (heldPages < this.#cache.pagesFor(computed)) throw new Error(`scheduler: ${id} lacks pages`)
      promised += Math.max(0, reserved - heldPages)
    }
    const { free } = this.#cache.counts
    if (promised > free) throw new Error(`scheduler: ${promised} pages promised, ${free} free`)
    for (const sequence of this.#paused) {
      if (sequence.slot !== -1 || sequence.heldPages !== 0)
        throw new Error(`scheduler: ${sequence.id} is paused, not empty`)
    }
  }

  #admit(sequence: Sequence): void {
    if (sequence.status === 'paused') this.#paused.shift()
    else this.#waiting.shift()
    sequence.reservedPages = reservedPages(sequence, this.#cache.counts.total, this.limits)
    sequence.slot = this.#slots.lease(sequence.arrival)
    sequence.status = 'running'
    this.#running.push(sequence)
  }

  #pause(sequence: Sequence): void {
    this.#running = this.#running.filter((other) => other !== sequence)
    this.#giveBack(sequence)
    sequence.status = 'paused'
    sequence.computed = 0
    sequence.delivered = 0
    sequence.setupSent = false
    const at = this.#paused.findIndex((other) => other.arrival > sequence.arrival)
    this.#paused.splice(at === -1 ? this.#paused.length : at, 0, sequence)
  }

  #giveBack(sequence: Sequence): void {
    this.#cache.release(sequence.slot, sequence.lastStep)
    this.#slots.giveBack(sequence.slot, sequence.arrival, sequence.lastStep)
    sequence.slot = -1
    sequence.heldPages = 0
    sequence.reservedPages = 0
  }

  #commit(item: Work, step: number): ScheduledWork {
    const { sequence, start, tokens, newPages, contextRows, samples, rows } = item
    // PERF: written out; a spread of every row doubled the cost of a decision.
    const scheduled: ScheduledWork = {
      sequence,
      start,
      tokens,
      contextRows,
      samples,
      rows,
      newPages,
      slot: sequence.slot,
      deliverFrom: Math.min(sequence.delivered, start + tokens),
      firstNewPage: sequence.heldPages,
      sendsSetup: !sequence.setupSent,
    }
    this.#cache.extend(sequence.slot, newPages)
    sequence.heldPages += newPages
    sequence.computed = start + tokens
    sequence.delivered = Math.max(sequence.delivered, start + tokens)
    sequence.logitsAsked = Math.max(sequence.logitsAsked, Math.min(start + tokens, sequence.promptIds.length))
    sequence.setupSent = true
    sequence.inFlight++
    sequence.lastStep = step
    if (item.samples) {
      sequence.length++
      // The device appends the sampled id itself.
      sequence.delivered = sequence.length
    }
    return scheduled
  }
}
