import { DeadlineQueue } from '../scheduler/deadline-queue.js'
import { CacheEvents, type KvCacheEvent } from './cache-events.js'
import type { CachePrefix } from './cache-prefix.js'
import type { PagePool } from './page-pool.js'
import { type PrefixNode, PrefixTree } from './prefix-tree.js'
import { defaultPriority, type PageRetention } from './retention.js'

export interface PublishedPagesOptions {
  /** Events kept until they are read. */
  readonly eventCapacity: number
  /** What events call the window of a pool that has none, in tokens. */
  readonly maxWindow: number
}

/**
 * The tree of published pages and what becomes of those that nobody holds: they stay until their room is needed, and
 * then go by priority, least recently used first, leaves before what they hang on.
 */
export class PublishedPages {
  readonly tree: PrefixTree
  readonly #pools: readonly PagePool[]
  readonly #events: CacheEvents
  readonly #maxWindow: number
  readonly #expiring = new DeadlineQueue<PrefixNode>()
  #uses = 0

  constructor(pools: readonly PagePool[], { eventCapacity, maxWindow }: PublishedPagesOptions) {
    this.tree = new PrefixTree(pools[0]!.spec.pageTokens, pools.length)
    this.#pools = pools
    this.#maxWindow = maxWindow
    this.#events = new CacheEvents(eventCapacity)
    for (const pool of pools)
      if (this.#tells(pool)) this.#events.created(pool.spec.pages, this.#windowOf(pool))
  }

  /** Ends a hold; a page that nobody holds then is in line for eviction. */
  drop(pool: PagePool, node: PrefixNode, lastStep: number): void {
    if (pool.drop(node, lastStep, ++this.#uses)) this.#line(pool, node)
  }

  /** Makes room for one page in a pool. The pool must have an idle page that no step in flight may read. */
  evict(pool: PagePool): void {
    const node = pool.nextToEvict((one) => this.mayGo(pool, one), false)
    if (!node) throw new Error(`kv cache: pool ${pool.index} has no page to lend`)
    this.#forget(pool, node)
  }

  /** Forgets every page that nobody holds. */
  reset(): void {
    for (const pool of this.#pools) {
      for (let node = this.#nextIdle(pool); node; node = this.#nextIdle(pool)) this.#forget(pool, node)
    }
  }

  /** Sets a page's priority to what a prefix says of it. */
  retain(node: PrefixNode, prefix: CachePrefix, nowMs: number): void {
    this.#prioritize(node, prefix.retentionOf(node.index, this.tree.pageTokens), nowMs)
  }

  /** Ends priorities whose time is over. */
  expire(nowMs: number): void {
    for (const node of this.#expiring.expired(nowMs)) {
      if (!node.isAttached || node.expiresMs > nowMs) continue
      this.#prioritize(node, { priority: defaultPriority, durationMs: undefined }, nowMs)
    }
    const mayExpire = (node: PrefixNode) => node.isAttached && node.expiresMs < Number.POSITIVE_INFINITY
    this.#expiring.prune(mayExpire, this.tree.size)
  }

  /** Tells of pages that a pool has now, in the order of their tokens. */
  tellStored(pool: PagePool, nodes: readonly PrefixNode[]): void {
    if (nodes.length > 0 && this.#tells(pool)) this.#events.stored(nodes, this.#windowOf(pool))
  }

  drainEvents(): KvCacheEvent[] {
    return this.#events.drain()
  }

  /** Only leaves go; but a page that later tokens need not see may go alone. */
  mayGo(pool: PagePool, node: PrefixNode): boolean {
    return pool.spec.window > 0 || node.children.size === 0
  }

  #nextIdle(pool: PagePool): PrefixNode | undefined {
    return pool.nextToEvict((node) => this.mayGo(pool, node), true)
  }

  #line(pool: PagePool, node: PrefixNode): void {
    if (this.mayGo(pool, node)) pool.offerForEviction(node)
  }

  /** Takes the page of an idle node; without a page of a pool that sees all, the node is of no use to any pool. */
  #forget(pool: PagePool, node: PrefixNode): void {
    const wholly = pool.spec.window === 0
    for (const each of wholly ? this.#pools : [pool]) {
      if (node.pages[each.index]! < 0) continue
      each.expel(node)
      if (this.#tells(each)) this.#events.removed(node, this.#windowOf(each))
    }
    if (node.children.size > 0 || node.pages.some((page) => page >= 0)) return
    const { parent } = node
    this.tree.remove(node)
    if (!parent?.parent || !parent.isAttached) return
    for (const each of this.#pools) if (each.isIdle(parent)) this.#line(each, parent)
  }

  #prioritize(node: PrefixNode, { priority, durationMs }: PageRetention, nowMs: number): void {
    const old = node.priority
    node.priority = priority
    node.expiresMs = durationMs === undefined ? Number.POSITIVE_INFINITY : nowMs + durationMs
    if (durationMs !== undefined) this.#expiring.add(node, node.expiresMs)
    if (old === priority) return
    for (const pool of this.#pools) {
      // It may be idle in one pool while slots hold it in another.
      if (pool.isIdle(node)) this.#line(pool, node)
      if (node.pages[pool.index]! >= 0 && this.#tells(pool))
        this.#events.reprioritized(node, old, this.#windowOf(pool))
    }
  }

  /** Pools with the same window tell the same story: the first of them does. */
  #tells(pool: PagePool): boolean {
    return this.#events.isOn && this.#pools.find(({ spec }) => spec.window === pool.spec.window) === pool
  }

  #windowOf({ spec }: PagePool): number {
    return spec.window === 0 ? this.#maxWindow : spec.window
  }
}
