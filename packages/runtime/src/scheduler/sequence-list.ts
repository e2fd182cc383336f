import type { Sequence } from './sequence.js'

/**
 * Sequences in an order. Those that end leave when the list is next looked at, all at once: a batch of thousands may end
 * in one step, and to take each out by itself would move all the others every time.
 */
export class SequenceList {
  #all: Sequence[] = []
  #numEnded = 0

  get size(): number {
    return this.#all.length - this.#numEnded
  }

  get all(): readonly Sequence[] {
    if (this.#numEnded > 0) {
      this.#all = this.#all.filter(({ status }) => status !== 'finished')
      this.#numEnded = 0
    }
    return this.#all
  }

  /** Says that a member ended: its status is `finished`. */
  ended(): void {
    this.#numEnded++
  }

  /** Puts a sequence behind the last one that goes before it. */
  insert(sequence: Sequence, goesBefore: (other: Sequence) => boolean): void {
    const at = this.all.findLastIndex(goesBefore) + 1
    this.#all.splice(at, 0, sequence)
  }

  /** Takes a sequence out that goes on elsewhere. */
  remove(sequence: Sequence): void {
    this.#all.splice(this.all.indexOf(sequence), 1)
  }
}
