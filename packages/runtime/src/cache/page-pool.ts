import { EvictionQueue } from './eviction-queue.js'
import { LeasePool } from './lease-pool.js'
import type { PrefixNode } from './prefix-tree.js'

/** What one pool of KV pages looks like: every layer with the same (heads, head size, window) shares its page ids. */
export interface PagePoolSpec {
  /** Pages in the pool. */
  readonly pages: number
  /** Tokens a page holds. */
  readonly pageTokens: number
  /** Attention window in tokens; 0 = all positions. */
  readonly window: number
}

/** Holder of pages that belong to the prefix tree; slots are numbers from 0. */
const treeHolder = 2 ** 40

/**
 * The pages of one pool. A page is free, private to a slot, or published: it belongs to a node of the prefix tree and is
 * held by any number of slots. A published page that nobody holds is idle: it keeps its content and may be evicted, but
 * is lent again only when the last step that may read it has retired.
 */
export class PagePool {
  readonly spec: PagePoolSpec
  /** Index among the pools of the cache. */
  readonly index: number
  readonly #leases: LeasePool
  readonly #queue: EvictionQueue
  /** Idle pages whose readers have retired, and the others by the step they wait for. */
  #idleReady = 0
  #idleWaiting = 0
  readonly #waitingFor = new Map<number, number>()
  #retiredStep = 0
  /**
   * Holds of pages that another slot holds as well, in a window pool. Such a page is not free again when one of them
   * gives it back, so whoever counts on that needs another page.
   */
  shared = 0

  constructor(spec: PagePoolSpec, index: number) {
    this.spec = spec
    this.index = index
    this.#leases = new LeasePool(spec.pages)
    this.#queue = new EvictionQueue(index)
  }

  /** Pages that can be lent now, idle ones included. */
  get free(): number {
    return this.#leases.free + this.#idleReady
  }

  /** Pages that can be lent when a step in flight retires. */
  get pending(): number {
    return this.#leases.pending + this.#idleWaiting
  }

  /** Pages that slots hold. */
  get used(): number {
    return this.spec.pages - this.free - this.pending
  }

  /** Published pages that nobody holds. */
  get idle(): number {
    return this.#idleReady + this.#idleWaiting
  }

  /** Whether a page can be lent without evicting one. */
  get hasFree(): boolean {
    return this.#leases.free > 0
  }

  lease(slot: number): number {
    return this.#leases.lease(slot)
  }

  /** Takes a private page back. */
  giveBack(page: number, slot: number, lastStep: number): void {
    this.#leases.giveBack(page, slot, lastStep)
  }

  isIdle(node: PrefixNode): boolean {
    return node.isAttached && node.pages[this.index]! >= 0 && node.refs[this.index] === 0
  }

  /** Whether an idle node's page can be lent now. */
  isReady(node: PrefixNode): boolean {
    return node.lastStep[this.index]! <= this.#retiredStep
  }

  hold(node: PrefixNode): void {
    if (this.isIdle(node)) this.#countIdle(node, -1)
    else if (this.spec.window > 0) this.shared++
    node.refs[this.index]!++
  }

  /** Ends a hold; `lastUsed` is the order of this use. Returns whether the page is idle now. */
  drop(node: PrefixNode, lastStep: number, lastUsed: number): boolean {
    const { index } = this
    if (node.refs[index] === 0) throw new Error('page pool: a node is dropped that nobody holds')
    node.refs[index]!--
    node.lastStep[index] = Math.max(node.lastStep[index]!, lastStep)
    if (!this.isIdle(node)) {
      if (this.spec.window > 0) this.shared--
      return false
    }
    node.lastUsed[index] = lastUsed
    this.#countIdle(node, 1)
    return true
  }

  /** Makes a slot's private page the page of a node; the slot holds it. The node must have no page. */
  publish(node: PrefixNode, page: number, slot: number): void {
    this.#leases.transfer(page, slot, treeHolder)
    node.pages[this.index] = page
    node.refs[this.index]!++
  }

  /** Takes the page of an idle node away. */
  expel(node: PrefixNode): void {
    const { index } = this
    this.#countIdle(node, -1)
    this.#leases.giveBack(node.pages[index]!, treeHolder, node.lastStep[index]!)
    node.pages[index] = -1
  }

  /** Puts an idle node in line for eviction. */
  offerForEviction(node: PrefixNode): void {
    this.#queue.add(node)
    this.#queue.prune((one) => this.isIdle(one), this.idle)
  }

  /** The idle node whose page goes next among those that `mayGo`; `evenPending`: though a step may still read it. */
  nextToEvict(mayGo: (node: PrefixNode) => boolean, evenPending: boolean): PrefixNode | undefined {
    return this.#queue.take(
      (node) => this.isIdle(node) && mayGo(node),
      (node) => evenPending || this.isReady(node),
    )
  }

  retire(step: number): void {
    this.#retiredStep = Math.max(this.#retiredStep, step)
    this.#leases.retire(step)
    for (const [lastStep, count] of this.#waitingFor) {
      if (lastStep > step) continue
      this.#waitingFor.delete(lastStep)
      this.#idleWaiting -= count
      this.#idleReady += count
    }
  }

  /** Slot that holds a page privately; the tree and nobody are other numbers. */
  holderOf(page: number): number {
    return this.#leases.holderOf(page)
  }

  /** Throws unless the tree's pages, `published`, and the counts agree. `mayGo` as for eviction. */
  check(published: ReadonlyMap<number, PrefixNode>, mayGo: (node: PrefixNode) => boolean): void {
    this.#leases.check('page pool')
    let ready = 0
    let waiting = 0
    let shared = 0
    for (const [page, node] of published) {
      if (this.holderOf(page) !== treeHolder)
        throw new Error(`page pool: page ${page} of the tree is not its own`)
      if (node.refs[this.index]! > 0) {
        if (this.spec.window > 0) shared += node.refs[this.index]! - 1
        continue
      }
      if (this.isReady(node)) ready++
      else waiting++
      if (mayGo(node) && !this.#queue.has(node))
        throw new Error(`page pool: idle page ${page} can never be evicted`)
    }
    if (ready !== this.#idleReady || waiting !== this.#idleWaiting) {
      throw new Error(
        `page pool: ${this.#idleReady} + ${this.#idleWaiting} pages idle, counted ${ready} + ${waiting}`,
      )
    }
    if (shared !== this.shared) throw new Error(`page pool: ${this.shared} pages shared, counted ${shared}`)
    for (let page = 0; page < this.spec.pages; page++) {
      if (this.holderOf(page) === treeHolder && !published.has(page)) {
        throw new Error(`page pool: page ${page} belongs to the tree, but no node has it`)
      }
    }
  }

  #countIdle(node: PrefixNode, change: 1 | -1): void {
    if (this.isReady(node)) {
      this.#idleReady += change
      return
    }
    const lastStep = node.lastStep[this.index]!
    const count = (this.#waitingFor.get(lastStep) ?? 0) + change
    if (count === 0) this.#waitingFor.delete(lastStep)
    else this.#waitingFor.set(lastStep, count)
    this.#idleWaiting += change
  }
}
