/** A point in time at which something expires. `key` is what expires; a key is queued at most once. */
interface Deadline<T> {
  readonly atMs: number
  readonly key: T
}

/** Binary heap of deadlines; it reads no clock. Removal is lazy: the caller ignores keys that ended before. */
export class DeadlineQueue<T> {
  readonly #heap: Deadline<T>[] = []

  /** Earliest deadline in milliseconds, or undefined when none is queued. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs
  }

  get size(): number {
    return this.#heap.length
  }

  add(key: T, atMs: number): void {
    const heap = this.#heap
    const added = { atMs, key }
    let at = heap.push(added) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.atMs <= atMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = added
  }

  /** Removes and returns every key whose deadline is not after `nowMs`, earliest first. */
  expired(nowMs: number): T[] {
    const keys: T[] = []
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs) keys.push(this.#removeFirst())
    return keys
  }

  /** Forgets keys that `keep` rejects, once they outnumber the `live` ones; O(1) amortised. */
  prune(keep: (key: T) => boolean, live: number): void {
    if (this.#heap.length <= 2 * live + 64) return
    const kept = this.#heap.splice(0).filter(({ key }) => keep(key))
    for (const { key, atMs } of kept) this.add(key, atMs)
  }

  #removeFirst(): T {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first.key
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++
      if (heap[child]!.atMs >= last.atMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first.key
  }
}
