import type { Sequence } from './sequence.js'

/**
 * Waiting sequences: higher levels first, in a level by fair turns, in a turn by arrival. Turns are start tags: a key that
 * has had more than its share of tokens, by weight, is behind keys that have had less; with one key it is first come,
 * first served. Members can leave from the middle; one that is no longer `waiting` counts as gone and is skipped. All
 * operations are O(log n) amortised.
 */
export class WaitingQueue {
  readonly #heap: Sequence[] = []
  /** The next ones in order, taken off the heap to be looked at. */
  #front: Sequence[] = []
  #size = 0
  #tokens = 0
  /** Turn of the latest sequence that was let in, and for each key the end of its last turn and how many wait. */
  #now = 0
  readonly #keys = new Map<string, { turnEnd: number; waiting: number }>()
  /** Keys to hold before those that have nobody waiting are forgotten. */
  #mostKeys = 64

  get size(): number {
    return this.#size
  }

  /** Prompt tokens of all that wait. */
  get tokens(): number {
    return this.#tokens
  }

  /** Keys that turns are kept for. */
  get numKeys(): number {
    return this.#keys.size
  }

  push(sequence: Sequence): void {
    const { fairnessKey, weight, maxLength, promptIds, limited } = sequence
    const cost = (limited ? maxLength : promptIds.length) / weight
    const key = this.#keys.get(fairnessKey) ?? { turnEnd: 0, waiting: 0 }
    sequence.turn = Math.max(this.#now, key.turnEnd)
    key.turnEnd = sequence.turn + cost
    key.waiting++
    this.#keys.set(fairnessKey, key)
    if (this.#keys.size > this.#mostKeys) this.#pruneKeys()
    this.#size++
    this.#tokens += promptIds.length
    const last = this.#front.at(-1)
    if (last && goesBefore(sequence, last)) {
      const at = this.#front.findIndex((other) => goesBefore(sequence, other))
      this.#front.splice(at, 0, sequence)
    } else this.#push(sequence)
  }

  /** Says that a queued sequence left: its status is no longer `waiting`. `wasLetIn` moves the turns on. */
  left(sequence: Sequence, wasLetIn: boolean): void {
    this.#size--
    this.#tokens -= sequence.promptIds.length
    if (wasLetIn) this.#now = Math.max(this.#now, sequence.turn)
    this.#keys.get(sequence.fairnessKey)!.waiting--
    // Nobody is behind anybody when nobody waits.
    if (this.#size === 0) this.#keys.clear()
    if (this.#heap.length + this.#front.length > 2 * this.#size + 64) this.#prune()
  }

  /** Waiting sequences, next one first; they stay in the queue. */
  *inOrder(): Generator<Sequence> {
    if (this.#front.some(isGone)) this.#front = this.#front.filter((sequence) => !isGone(sequence))
    for (let i = 0; ; i++) {
      if (i === this.#front.length) {
        const next = this.#pop()
        if (!next) return
        this.#front.push(next)
      }
      const sequence = this.#front[i]!
      if (!isGone(sequence)) yield sequence
    }
  }

  /** Forgets who left. */
  #prune(): void {
    const kept = this.#heap.splice(0).filter((sequence) => !isGone(sequence))
    for (const sequence of kept) this.#push(sequence)
    this.#front = this.#front.filter((sequence) => !isGone(sequence))
  }

  #pruneKeys(): void {
    for (const [name, { waiting }] of this.#keys) if (waiting === 0) this.#keys.delete(name)
    this.#mostKeys = 2 * this.#keys.size + 64
  }

  #push(sequence: Sequence): void {
    const heap = this.#heap
    let at = heap.push(sequence) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!goesBefore(sequence, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = sequence
  }

  /** Removes the next waiting sequence from the heap. */
  #pop(): Sequence | undefined {
    for (;;) {
      const heap = this.#heap
      const first = heap[0]
      const last = heap.pop()
      if (!first || !last) return undefined
      if (heap.length > 0) this.#sink(last)
      if (!isGone(first)) return first
    }
  }

  #sink(sequence: Sequence): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && goesBefore(heap[child + 1]!, heap[child]!)) child++
      if (!goesBefore(heap[child]!, sequence)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = sequence
  }
}

const isGone = ({ status }: Sequence): boolean => status !== 'waiting'

function goesBefore(a: Sequence, b: Sequence): boolean {
  if (a.level !== b.level) return a.level > b.level
  if (a.turn !== b.turn) return a.turn < b.turn
  return a.arrival < b.arrival
}
