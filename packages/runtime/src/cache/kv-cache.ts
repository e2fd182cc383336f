import type { KvCacheEvent } from './cache-events.js'
import type { CachePrefix } from './cache-prefix.js'
import { checkCache } from './check-cache.js'
import { findPages, firstVisiblePage, noOffer, type PageOffer } from './page-offer.js'
import { PagePool, type PagePoolSpec } from './page-pool.js'
import type { PrefixNode } from './prefix-tree.js'
import { PublishedPages } from './published-pages.js'
import { SlotPages } from './slot-pages.js'

/** How many pages of a pool there are for a decision. */
export interface PageCounts {
  readonly total: number
  /** Can be lent now, evicting what nobody holds where needed. */
  readonly free: number
  /** Given back, free again when a step in flight retires. */
  readonly pending: number
}

/** Counts of a pool and, for a window pool, see `PagePool.shared`. */
export interface PoolCounts extends PageCounts {
  readonly shared: number
}

export interface KvCacheOptions {
  /** Whether pages of ended and running sequences are kept for others with the same prefix. True by default. */
  readonly reuse?: boolean
  /** Whether the first tokens of a page may be copied; needs a device that copies. False by default. */
  readonly partialReuse?: boolean
  /** Events kept until they are read; 0 by default. */
  readonly eventCapacity?: number
  /** What events call the window of a pool that has none, in tokens. */
  readonly maxWindow?: number
}

/** A copy that the device does before a step: the first tokens of a page, in every layer of a pool. */
export interface PageCopy {
  readonly pool: number
  readonly source: number
  readonly destination: number
  readonly tokens: number
}

/** Totals of reuse since the start. Pages are prompt pages of sequences that came in. */
export interface ReuseCounts {
  reusedPages: number
  missedPages: number
  reusedTokens: number
}

/**
 * The page pools of a model, the pages of every slot, and the tree of published pages. Pages of a slot are private until
 * `publish` says that their bytes are complete; published pages are shared and never written again.
 */
export class KvCache {
  readonly pools: readonly PagePool[]
  readonly pageTokens: number
  readonly reuse: ReuseCounts = { reusedPages: 0, missedPages: 0, reusedTokens: 0 }
  readonly #options: Required<KvCacheOptions>
  readonly #slots: SlotPages[]
  readonly #published: PublishedPages
  /** Prompt pages that running sequences will publish, by hash. */
  readonly #coming = new Map<number, number>()
  /** Pages lent since the start, in each pool. */
  allocatedPages = 0

  constructor(specs: readonly PagePoolSpec[], numSlots: number, options: KvCacheOptions = {}) {
    const first = specs[0]
    if (!first) throw new Error('kv cache: a model has at least one page pool')
    if (specs.some((spec) => spec.pageTokens !== first.pageTokens)) {
      throw new Error('kv cache: all pools must have the same page size in tokens')
    }
    this.#options = { reuse: true, partialReuse: false, eventCapacity: 0, maxWindow: 0, ...options }
    this.pageTokens = first.pageTokens
    this.pools = specs.map((spec, index) => new PagePool(spec, index))
    this.#slots = Array.from({ length: numSlots }, () => new SlotPages(specs.length))
    this.#published = new PublishedPages(this.pools, this.#options)
  }

  /** Pages that `tokens` positions need. */
  pagesFor = (tokens: number): number => Math.ceil(tokens / this.pageTokens)

  /** Counts of the largest pool: window pools need fewer pages for the same sequences. */
  get counts(): PageCounts {
    const { spec, free, pending } = this.#largest
    return { total: spec.pages, free, pending }
  }

  get isAllFree(): boolean {
    return this.pools.every(({ spec, free }) => free === spec.pages)
  }

  get poolCounts(): PoolCounts[] {
    return this.pools.map(({ spec, free, pending, shared }) => ({ total: spec.pages, free, pending, shared }))
  }

  /** Pages of published prefixes that nobody holds, in the largest pool. */
  get idlePages(): number {
    return this.#largest.idle
  }

  /** Share of prompt pages that sequences found in the cache. */
  get hitRate(): number {
    return this.reuse.reusedPages / Math.max(1, this.reuse.reusedPages + this.reuse.missedPages)
  }

  /** The pages of a slot. */
  slot(slot: number): Readonly<SlotPages> {
    return this.#slots[slot]!
  }

  /** What is cached of a prefix, for at most `mostTokens` tokens; at least its last token is left to compute. */
  offer(prefix: CachePrefix, mostTokens = Number.POSITIVE_INFINITY, withPartial = true): PageOffer {
    const most = Math.min(mostTokens, prefix.length - 1)
    if (!this.#options.reuse || most <= 0) return noOffer(this.pools.length)
    const partial = withPartial && this.#options.partialReuse
    return findPages(this.#published.tree, this.pools, prefix, most, partial)
  }

  /** Whether a running sequence is computing the first page that the cache lacks for a prefix. */
  isComing(prefix: CachePrefix, offer: PageOffer): boolean {
    if (this.#coming.size === 0 || (offer.pages + 1) * this.pageTokens >= prefix.length) return false
    return this.#coming.has(prefix.hashOf(offer.pages, this.pageTokens))
  }

  /** Gives the offered pages to an empty slot. Nothing may have changed since the offer but other claims. */
  claim(slot: number, prefix: CachePrefix, offer: PageOffer, nowMs: number): void {
    const pages = this.#slots[slot]!
    for (const [k, pool] of this.pools.entries()) {
      const first = Math.min(offer.first[k]!, offer.pages)
      pages.first[k] = first
      for (let i = 0; i < offer.pages; i++) {
        const node = offer.nodes[i]!
        if (i >= first) pool.hold(node)
        pages.tables[k]!.push(i >= first ? node.pages[k]! : -1)
      }
      if (offer.partial) pool.hold(offer.partial.node)
    }
    pages.nodes.push(...offer.nodes)
    if (!this.#options.reuse) return
    if (prefix.hasRetention) for (const node of offer.nodes) this.#published.retain(node, prefix, nowMs)
    const promptPages = Math.floor(prefix.promptLength / this.pageTokens)
    this.reuse.reusedPages += Math.min(offer.pages, promptPages)
    this.reuse.missedPages += Math.max(0, promptPages - offer.pages)
    this.reuse.reusedTokens += offer.tokens
    this.#expect(pages, prefix, offer.pages)
  }

  /**
   * The copies that an offer with a partial page asks for, once the slot has the page behind the offered ones. The source
   * stays as it is until `step`, which does the copies, has retired.
   */
  copyPartial(slot: number, offer: PageOffer, step: number): PageCopy[] {
    const { partial, pages } = offer
    if (!partial) return []
    return this.pools.map((pool, k) => {
      const source = partial.node.pages[k]!
      this.#published.drop(pool, partial.node, step)
      return { pool: k, source, destination: this.#slots[slot]!.tables[k]![pages]!, tokens: partial.tokens }
    })
  }

  /** Appends `count` private pages to a slot's table in every pool. */
  extend(slot: number, count: number): void {
    if (count === 0) return
    const { tables } = this.#slots[slot]!
    for (const [k, pool] of this.pools.entries()) {
      for (let i = 0; i < count; i++) {
        if (!pool.hasFree) this.#published.evict(pool)
        tables[k]!.push(pool.lease(slot))
      }
    }
    this.allocatedPages += count
  }

  /**
   * Publishes the pages of a slot that lie wholly in its first `completeTokens` positions: every step that wrote there
   * has retired without an error. A page that another slot has published meanwhile stays private.
   */
  publish(slot: number, prefix: CachePrefix, completeTokens: number, nowMs: number): void {
    const pages = this.#slots[slot]!
    const { nodes } = pages
    const complete = Math.floor(completeTokens / this.pageTokens)
    if (!this.#options.reuse || nodes.length >= complete || !pages.isChained) return
    const { tree } = this.#published
    const stored = this.pools.map((): PrefixNode[] => [])
    while (nodes.length < complete && pages.isChained) {
      const index = nodes.length
      const parent = nodes[index - 1]
      const above = parent ?? tree.rootOf(prefix)
      const known = above && tree.childOf(above, prefix, index)
      const node = known ?? (above?.isAttached === false ? undefined : tree.add(parent, prefix, index))
      if (!node) {
        // A hash that collides, or a parent that was evicted: what follows stays private.
        pages.isChained = false
        for (const hash of pages.coming.splice(0)) this.#comeDown(hash)
        break
      }
      // Who says nothing leaves what others said.
      if (prefix.hasRetention) this.#published.retain(node, prefix, nowMs)
      for (const [k, pool] of this.pools.entries()) {
        if (pool.isIdle(node)) pool.expel(node)
        else if (node.pages[k]! < 0) stored[k]!.push(node)
        if (node.pages[k]! < 0) pool.publish(node, pages.tables[k]![index]!, slot)
        else if (pool.spec.window === 0) pool.hold(node)
      }
      nodes.push(node)
      this.#comeDown(pages.coming.pop())
    }
    for (const pool of this.pools) this.#published.tellStored(pool, stored[pool.index]!)
  }

  /** Gives back pages of window pools that no token from `position` on can see; every earlier step has retired. */
  trim(slot: number, position: number): void {
    const pages = this.#slots[slot]!
    for (const [k, pool] of this.pools.entries()) {
      const first = Math.min(firstVisiblePage(position, pool.spec.window, this.pageTokens), pages.length)
      for (let i = pages.first[k]!; i < first; i++) this.#letGo(pool, slot, i, 0)
      pages.first[k] = Math.max(pages.first[k]!, first)
    }
  }

  /** Takes all pages of a slot back; they are lent again only after `lastStep` has retired. */
  release(slot: number, lastStep: number): void {
    const pages = this.#slots[slot]!
    for (const [k, pool] of this.pools.entries()) {
      for (let i = pages.length - 1; i >= pages.first[k]!; i--) this.#letGo(pool, slot, i, lastStep)
    }
    for (const hash of pages.coming) this.#comeDown(hash)
    pages.clear()
  }

  /** A pool: pages that nobody holds any more once a slot is released. */
  releasable(slot: number): number[] {
    const pages = this.#slots[slot]!
    return this.pools.map((pool, k) => {
      let count = 0
      for (let i = pages.first[k]!; i < pages.length; i++) {
        if (pages.isPrivate(pool, i) || pages.nodes[i]!.refs[k] === 1) count++
      }
      return count
    })
  }

  retire(step: number): void {
    for (const pool of this.pools) pool.retire(step)
  }

  /** Ends priorities whose time is over. */
  expire(nowMs: number): void {
    this.#published.expire(nowMs)
  }

  /** Forgets every prefix that nobody holds. */
  reset(): void {
    this.#published.reset()
  }

  /** Events since the last call, oldest first. */
  drainEvents = (): KvCacheEvent[] => this.#published.drainEvents()

  /** Throws when a page is lost, shared against the rules, counted wrongly or can never be evicted. */
  check(): void {
    checkCache(this.pools, this.#published, this.#slots)
  }

  /** Ends the slot's hold of a page, or gives it back when it is private. */
  #letGo(pool: PagePool, slot: number, index: number, lastStep: number): void {
    const pages = this.#slots[slot]!
    const table = pages.tables[pool.index]!
    const page = table[index]!
    const isPrivate = pages.isPrivate(pool, index)
    const node = pages.nodes[index]
    // Where all tokens are seen, a slot holds its nodes even if its own page is another: no page goes before those behind it.
    if (node && (!isPrivate || pool.spec.window === 0)) this.#published.drop(pool, node, lastStep)
    if (isPrivate) pool.giveBack(page, slot, lastStep)
    table[index] = -1
  }

  #expect(pages: SlotPages, prefix: CachePrefix, from: number): void {
    const promptPages = Math.floor(prefix.promptLength / this.pageTokens)
    for (let page = promptPages - 1; page >= from; page--) {
      const hash = prefix.hashOf(page, this.pageTokens)
      pages.coming.push(hash)
      this.#coming.set(hash, (this.#coming.get(hash) ?? 0) + 1)
    }
  }

  /** Forgets that a page is coming: it is there, or will not come. */
  #comeDown(hash: number | undefined): void {
    if (hash === undefined) return
    const others = this.#coming.get(hash)! - 1
    if (others === 0) this.#coming.delete(hash)
    else this.#coming.set(hash, others)
  }

  get #largest(): PagePool {
    return this.pools.reduce((a, b) => (b.spec.pages > a.spec.pages ? b : a))
  }
}
