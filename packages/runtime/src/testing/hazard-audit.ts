import { type StepLayout, type WordSection, wordsPerDelta } from '@trtllm/graph'
import { firstVisiblePage } from '../cache/page-offer.js'
import type { PagePoolSpec } from '../cache/page-pool.js'
import type { StepCall } from '../step/step-executor.js'
import { mix } from './content-hash.js'
import { SlotState } from './slot-state.js'

/** Several requests touch it. */
const several = -1

/** What a submitted step may touch until it retires: slots (-1 - slot) and pages (pool * 2^32 + page) by request (nonce). */
interface Touched {
  readonly users: Map<number, number>
  /** Those among them that the step writes. */
  readonly writers: Map<number, number>
  readonly slabSum: number
  readonly call: StepCall
}

/**
 * Watches submissions for what an in-order device would forgive: a slot that passes to another request, or a page that is
 * written for one request, while a submitted step may still touch it for another; and a slab rewritten while it belongs
 * to the device.
 */
export class HazardAudit {
  /** Pages or slots handed over or shared too early, and slabs rewritten in flight. */
  hazards = 0
  /** Of each request (nonce): positions that submitted steps have computed at most, and the last step with work of it. */
  readonly seen = new Map<number, { reached: number; step: number }>()
  readonly #state: SlotState
  readonly #pools: readonly PagePoolSpec[]
  readonly #inFlight = new Map<number, Touched>()

  constructor(layout: StepLayout, pools: readonly PagePoolSpec[]) {
    this.#state = new SlotState(layout)
    this.#pools = pools
  }

  submitted(step: number, call: StepCall, slab: Int32Array): void {
    this.#state.applyDeltas(slab)
    const touched = this.#touched(step, call, slab)
    this.#compare(touched, touched)
    for (const other of this.#inFlight.values()) {
      this.#compare(touched, other)
      this.#compare(other, touched)
    }
    this.#inFlight.set(step, touched)
  }

  executing(step: number, slab: Int32Array): void {
    const { call, slabSum: before } = this.#inFlight.get(step)!
    if (before !== slabSum(this.#state.layout, call, slab)) this.hazards++
  }

  retired(step: number): void {
    this.#inFlight.delete(step)
  }

  #compare(writing: Touched, touching: Touched): void {
    for (const [thing, writer] of writing.writers) {
      const user = touching.users.get(thing)
      if (user !== undefined && user !== writer) this.hazards++
    }
  }

  #touched(step: number, call: StepCall, slab: Int32Array): Touched {
    const users = new Map<number, number>()
    const writers = new Map<number, number>()
    const { layout } = this.#state
    const { seqSlot, seqContext, seqStart } = layout.slab
    for (let seq = 0; seq < call.seqs; seq++) {
      const slot = slab[seqSlot.offset + seq]!
      const nonce = this.#state.nonce(slot)
      const end = slab[seqContext.offset + seq]!
      const start = end - (slab[seqStart.offset + seq + 1]! - slab[seqStart.offset + seq]!)
      this.seen.set(nonce, { reached: Math.max(end, this.seen.get(nonce)?.reached ?? 0), step })
      users.set(-1 - slot, nonce)
      writers.set(-1 - slot, nonce)
      for (const [pool, { window, pageTokens }] of this.#pools.entries()) {
        const table = this.#state.pageTable(pool, slot)
        for (let index = firstVisiblePage(start, window, pageTokens); index * pageTokens < end; index++) {
          const thing = pool * 2 ** 32 + table[index]!
          const user = users.get(thing)
          users.set(thing, user === undefined || user === nonce ? nonce : several)
          if ((index + 1) * pageTokens > start) writers.set(thing, nonce)
        }
      }
    }
    for (const { pool, source } of call.copies ?? []) users.set(pool * 2 ** 32 + source, several)
    return { users, writers, slabSum: slabSum(layout, call, slab), call }
  }
}

/** Hash of the delta records and of the used part of every other section but the delta words. */
function slabSum({ slab: at }: StepLayout, call: StepCall, slab: Int32Array): number {
  let hash = 0
  const add = ({ offset }: WordSection, count: number) => {
    for (let i = offset; i < offset + count; i++) hash = mix(hash, slab[i]!)
  }
  add(at.numDeltas, 1)
  add(at.deltas, slab[at.numDeltas.offset]! * wordsPerDelta)
  for (const section of [at.tokenSlot, at.positions]) add(section, call.tokens)
  for (const section of [at.seqSlot, at.seqContext]) add(section, call.seqs)
  for (const section of [at.logitRows, at.rowSlot, at.rowPosition, at.rowSample, at.rowTarget])
    add(section, call.rows)
  return hash
}
