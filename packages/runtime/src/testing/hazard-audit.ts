import { type StepLayout, type WordSection, wordsPerDelta } from '@trtllm/graph'
import type { StepCall } from '../step/step-executor.js'
import { mix } from './content-hash.js'
import { SlotState } from './slot-state.js'

/** What a submitted step may touch until it retires. */
interface Touched {
  /** Owner (nonce) of each page (pool * 2^32 + page) and each slot (-1 - slot). */
  readonly owners: Map<number, number>
  readonly slabSum: number
  readonly call: StepCall
}

/**
 * Watches submissions for what an in-order device would forgive: a page or a slot that passes to another request while
 * a submitted step may still touch it, and a slab rewritten while it belongs to the device.
 */
export class HazardAudit {
  /** Pages or slots handed over too early, and slabs rewritten in flight. */
  hazards = 0
  readonly #state: SlotState
  readonly #inFlight = new Map<number, Touched>()

  constructor(layout: StepLayout) {
    this.#state = new SlotState(layout)
  }

  submitted(step: number, call: StepCall, slab: Int32Array): void {
    this.#state.applyDeltas(slab)
    const owners = this.#owners(call, slab)
    for (const other of this.#inFlight.values()) {
      for (const [thing, owner] of owners) {
        const before = other.owners.get(thing)
        if (before !== undefined && before !== owner) this.hazards++
      }
    }
    this.#inFlight.set(step, { owners, slabSum: slabSum(this.#state.layout, call, slab), call })
  }

  executing(step: number, slab: Int32Array): void {
    const { call, slabSum: before } = this.#inFlight.get(step)!
    if (before !== slabSum(this.#state.layout, call, slab)) this.hazards++
  }

  retired(step: number): void {
    this.#inFlight.delete(step)
  }

  #owners(call: StepCall, slab: Int32Array): Map<number, number> {
    const owners = new Map<number, number>()
    const { layout } = this.#state
    const { seqSlot, seqContext } = layout.slab
    for (let seq = 0; seq < call.seqs; seq++) {
      const slot = slab[seqSlot.offset + seq]!
      const nonce = this.#state.nonce(slot)
      const pages = Math.ceil(slab[seqContext.offset + seq]! / layout.limits.pageTokens)
      owners.set(-1 - slot, nonce)
      for (let pool = 0; pool < layout.limits.numPools; pool++) {
        const table = this.#state.pageTable(pool, slot)
        for (let index = 0; index < pages; index++) owners.set(pool * 2 ** 32 + table[index]!, nonce)
      }
    }
    return owners
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
  for (const section of [at.logitRows, at.rowSlot, at.rowPosition, at.rowSample]) add(section, call.rows)
  return hash
}
