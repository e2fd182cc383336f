import type { PagePool } from './page-pool.js'
import type { PrefixNode } from './prefix-tree.js'

/** The pages of one slot, in position order: page i holds positions i * pageTokens onwards. */
export class SlotPages {
  /** Nodes of the first pages, those that are published. A slot holds its nodes in every pool that has the page. */
  readonly nodes: PrefixNode[] = []
  /** Whether further pages may be published behind `nodes`. */
  isChained = true
  /** A pool: page ids; -1 for pages given back because they are out of the window. */
  readonly tables: number[][]
  /** A pool: index of the first page held. */
  readonly first: number[]
  /** Hashes of prompt pages that this slot will publish, the next one last. */
  coming: number[] = []

  constructor(numPools: number) {
    this.tables = Array.from({ length: numPools }, () => [])
    this.first = new Array<number>(numPools).fill(0)
  }

  get length(): number {
    return this.tables[0]!.length
  }

  /** Whether a held page belongs to this slot alone and to no node. */
  isPrivate(pool: PagePool, index: number): boolean {
    return this.nodes[index]?.pages[pool.index] !== this.tables[pool.index]![index]
  }

  clear(): void {
    this.nodes.length = 0
    this.coming = []
    this.isChained = true
    for (const table of this.tables) table.length = 0
    this.first.fill(0)
  }
}
