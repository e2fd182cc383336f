import { LeasePool } from './lease-pool.js'

/** What one pool of KV pages looks like: every layer with the same (heads, head size, window) shares its page ids. */
export interface PagePoolSpec {
  /** Pages in the pool. */
  readonly pages: number
  /** Tokens a page holds. */
  readonly pageTokens: number
  /** Attention window in tokens; 0 = all positions. */
  readonly window: number
}

/** The pages of one pool and, per slot, the pages that hold its positions, in order. */
export class PagePool {
  readonly spec: PagePoolSpec
  readonly #leases: LeasePool
  readonly #tables: number[][]

  constructor(spec: PagePoolSpec, numSlots: number) {
    this.spec = spec
    this.#leases = new LeasePool(spec.pages)
    this.#tables = Array.from({ length: numSlots }, () => [])
  }

  get free(): number {
    return this.#leases.free
  }

  get pending(): number {
    return this.#leases.pending
  }

  get leased(): number {
    return this.#leases.leased
  }

  /** Page ids of a slot in position order: page i holds positions i * pageTokens onwards. */
  table(slot: number): readonly number[] {
    return this.#tables[slot]!
  }

  /** Appends `count` pages to a slot's table. */
  extend(slot: number, count: number): void {
    const table = this.#tables[slot]!
    for (let i = 0; i < count; i++) table.push(this.#leases.lease(slot))
  }

  /** Takes all pages of a slot back; they are lent again only after `lastStep` has retired. */
  release(slot: number, lastStep: number): void {
    const table = this.#tables[slot]!
    while (table.length > 0) this.#leases.giveBack(table.pop()!, slot, lastStep)
  }

  retire(step: number): void {
    this.#leases.retire(step)
  }

  /** Throws when a page is lost, lent twice, or in a table of a slot that does not hold it. */
  check(): void {
    this.#leases.check('page pool')
    let inTables = 0
    for (const [slot, table] of this.#tables.entries()) {
      inTables += table.length
      for (const page of table) {
        const holder = this.#leases.holderOf(page)
        if (holder !== slot) throw new Error(`page pool: page ${page} of slot ${slot} is held by ${holder}`)
      }
    }
    if (inTables !== this.leased)
      throw new Error(`page pool: ${this.leased} pages lent, ${inTables} in tables`)
  }
}
