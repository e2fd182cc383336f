import { type StepLayout, wordsPerDelta } from '@trtllm/graph'

/**
 * Writes (destination, words) records into a slab; `apply-deltas` scatters them into the slot state before the step
 * reads it. The scheduler's budget guarantees room; running out is a defect and throws.
 */
export class DeltaWriter {
  readonly slab: Int32Array
  readonly #layout: StepLayout
  #records = 0
  #words = 0

  constructor(slab: Int32Array, layout: StepLayout) {
    this.slab = slab
    this.#layout = layout
  }

  /** Starts a record of `count` words for state word `destination`; returns the slab index of its first word. */
  open(destination: number, count: number): number {
    const { deltas, deltaData } = this.#layout.slab
    const record = deltas.offset + this.#records * wordsPerDelta
    if ((this.#records + 1) * wordsPerDelta > deltas.length || this.#words + count > deltaData.length) {
      throw new Error(`step slab: delta ${this.#records} of ${count} words does not fit`)
    }
    this.slab[record] = destination
    this.slab[record + 1] = count
    this.slab[record + 2] = this.#words
    const at = deltaData.offset + this.#words
    this.#records++
    this.#words += count
    return at
  }

  /** A record that copies `words`. */
  write(destination: number, words: Int32Array): void {
    this.slab.set(words, this.open(destination, words.length))
  }

  /** Writes the record count; the slab is complete afterwards. */
  close(): void {
    this.slab[this.#layout.slab.numDeltas.offset] = this.#records
  }
}
