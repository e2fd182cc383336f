import type { Sequence } from './sequence.js'

/**
 * First-come-first-served queue whose members can leave from the middle. A sequence that is no longer `waiting`
 * counts as gone and is skipped. All operations are O(1) amortised.
 */
export class WaitingQueue {
  #items: Sequence[] = []
  #head = 0
  #gone = 0

  get size(): number {
    return this.#items.length - this.#head - this.#gone
  }

  push(sequence: Sequence): void {
    this.#items.push(sequence)
  }

  /** Says that a queued sequence left (its status is no longer `waiting`). */
  left(): void {
    this.#gone++
    if (this.#gone > 64 && this.#gone * 2 > this.#items.length - this.#head) {
      this.#items = this.#items.slice(this.#head).filter((sequence) => sequence.status === 'waiting')
      this.#head = 0
      this.#gone = 0
    }
  }

  /** Waiting sequences, oldest first; they stay in the queue. */
  *inOrder(): Generator<Sequence> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const sequence = this.#items[i]!
      if (sequence.status === 'waiting') yield sequence
    }
  }

  /** Removes and returns the oldest waiting sequence. */
  shift(): Sequence | undefined {
    while (this.#head < this.#items.length) {
      const sequence = this.#items[this.#head++]!
      if (this.#head > 64 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head)
        this.#head = 0
      }
      if (sequence.status === 'waiting') return sequence
      this.#gone--
    }
    return undefined
  }
}
