import { type StateSection, type StepLayout, wordsPerDelta } from '@trtllm/graph'
import { samplingWords } from '@trtllm/kernels'
import { nonceOf } from './content-hash.js'
import type { SlotWords } from './fake-sampler.js'

/** The slot state of a device, changed by deltas and by sampling only. Words nobody wrote are `unwritten`. */
export class SlotState {
  readonly layout: StepLayout
  readonly words: Int32Array

  constructor(layout: StepLayout) {
    this.layout = layout
    this.words = new Int32Array(layout.stateWords).fill(unwritten)
  }

  /** What the op `apply-deltas` does. */
  applyDeltas(slab: Int32Array): void {
    const { numDeltas, deltas, deltaData } = this.layout.slab
    for (let record = 0; record < slab[numDeltas.offset]!; record++) {
      const at = deltas.offset + record * wordsPerDelta
      const source = deltaData.offset + slab[at + 2]!
      this.words.set(slab.subarray(source, source + slab[at + 1]!), slab[at]!)
    }
  }

  row(section: StateSection, slot: number): Int32Array {
    const at = section.offset + slot * section.rowWords
    return this.words.subarray(at, at + section.rowWords)
  }

  tokens(slot: number): Int32Array {
    return this.row(this.layout.state.slotTokens, slot)
  }

  pageTable(pool: number, slot: number): Int32Array {
    return this.row(this.layout.state.pageTable[pool]!, slot)
  }

  sampling(slot: number): SlotWords {
    return {
      record: this.row(this.layout.state.sampling, slot),
      lists: this.row(this.layout.state.lists, slot),
    }
  }

  /** Whose request uses a slot: the upper half of its seed. */
  tenant(slot: number): number {
    return this.row(this.layout.state.sampling, slot)[samplingWords.seedHigh]!
  }

  /** Who uses a slot, by the seed in its sampling record. */
  nonce(slot: number): number {
    const record = this.row(this.layout.state.sampling, slot)
    return nonceOf(record[samplingWords.seedLow]!, record[samplingWords.seedHigh]!)
  }
}

const unwritten = -7
