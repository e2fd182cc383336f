import { PagePool, type PagePoolSpec } from './page-pool.js'

/** How many pages there are for a decision; one number stands for every pool, see `KvCache`. */
export interface PageCounts {
  readonly total: number
  /** Can be lent now. */
  readonly free: number
  /** Given back, free again when a step in flight retires. */
  readonly pending: number
}

/**
 * The page pools of a model. Every sequence holds the same number of pages in every pool, so the smallest pool is
 * the one that fills up, and its counts stand for all of them.
 */
export class KvCache {
  readonly pools: readonly PagePool[]
  readonly pageTokens: number
  readonly #smallest: PagePool
  /** Pages lent since the start, in the smallest pool. */
  allocatedPages = 0

  constructor(specs: readonly PagePoolSpec[], numSlots: number) {
    const first = specs[0]
    if (!first) throw new Error('kv cache: a model has at least one page pool')
    if (specs.some((spec) => spec.pageTokens !== first.pageTokens)) {
      throw new Error('kv cache: all pools must have the same page size in tokens')
    }
    this.pageTokens = first.pageTokens
    this.pools = specs.map((spec) => new PagePool(spec, numSlots))
    this.#smallest = this.pools.reduce((a, b) => (b.spec.pages < a.spec.pages ? b : a))
  }

  /** Pages that `tokens` positions need. */
  pagesFor(tokens: number): number {
    return Math.ceil(tokens / this.pageTokens)
  }

  get counts(): PageCounts {
    return { total: this.#smallest.spec.pages, free: this.#smallest.free, pending: this.#smallest.pending }
  }

  /** Pages a slot holds (in each pool). */
  heldPages(slot: number): number {
    return this.#smallest.table(slot).length
  }

  /** Appends `count` pages to a slot's table in every pool. */
  extend(slot: number, count: number): void {
    for (const pool of this.pools) pool.extend(slot, count)
    this.allocatedPages += count
  }

  /** Takes all pages of a slot back; they are lent again only after `lastStep` has retired. */
  release(slot: number, lastStep: number): void {
    for (const pool of this.pools) pool.release(slot, lastStep)
  }

  retire(step: number): void {
    for (const pool of this.pools) pool.retire(step)
  }

  check(): void {
    for (const pool of this.pools) pool.check()
  }
}
