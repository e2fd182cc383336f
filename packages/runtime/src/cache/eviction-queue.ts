import type { PrefixNode } from './prefix-tree.js'

interface Entry {
  readonly node: PrefixNode
  readonly priority: number
  readonly lastUsed: number
}

/**
 * Nodes that may lose their page, in the order in which they do: lowest priority, then least recently used, then the
 * one furthest from the root. Entries go stale when a node is used again; `isCurrent` tells, and they are skipped.
 */
export class EvictionQueue {
  readonly #pool: number
  readonly #heap: Entry[] = []

  constructor(pool: number) {
    this.#pool = pool
  }

  add(node: PrefixNode): void {
    const entry = { node, priority: node.priority, lastUsed: node.lastUsed[this.#pool]! }
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!goesBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  /** Removes and returns the node that goes first among those that `mayGo`; stale entries are dropped on the way. */
  take(isIdle: (node: PrefixNode) => boolean, mayGo: (node: PrefixNode) => boolean): PrefixNode | undefined {
    const kept: PrefixNode[] = []
    let found: PrefixNode | undefined
    while (this.#heap.length > 0 && !found) {
      const entry = this.#removeFirst()
      const { node } = entry
      if (!this.#isCurrent(entry) || !isIdle(node)) continue
      if (mayGo(node)) found = node
      else kept.push(node)
    }
    for (const node of kept) this.add(node)
    return found
  }

  /** Forgets stale entries, once they outnumber the `live` ones; O(1) amortised. */
  prune(isIdle: (node: PrefixNode) => boolean, live: number): void {
    if (this.#heap.length <= 2 * live + 64) return
    const nodes = new Set<PrefixNode>()
    for (const entry of this.#heap.splice(0))
      if (this.#isCurrent(entry) && isIdle(entry.node)) nodes.add(entry.node)
    for (const node of nodes) this.add(node)
  }

  /** Whether a node would be found by `take`. O(size), for checks. */
  has(node: PrefixNode): boolean {
    return this.#heap.some((entry) => entry.node === node && this.#isCurrent(entry))
  }

  #isCurrent({ node, priority, lastUsed }: Entry): boolean {
    return node.priority === priority && node.lastUsed[this.#pool] === lastUsed
  }

  #removeFirst(): Entry {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && goesBefore(heap[child + 1]!, heap[child]!)) child++
      if (!goesBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function goesBefore(a: Entry, b: Entry): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority
  if (a.lastUsed !== b.lastUsed) return a.lastUsed < b.lastUsed
  return a.node.index > b.node.index
}
