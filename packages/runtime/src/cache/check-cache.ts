import type { PagePool } from './page-pool.js'
import type { PrefixNode } from './prefix-tree.js'
import type { PublishedPages } from './published-pages.js'
import type { SlotPages } from './slot-pages.js'

/**
 * Throws when a page is lost, shared against the rules, counted wrongly or can never be evicted: recounts everything
 * from the slots and the tree. O(pages and nodes).
 */
export function checkCache(
  pools: readonly PagePool[],
  published: PublishedPages,
  slots: readonly SlotPages[],
): void {
  checkTree(pools, published)
  for (const pool of pools) {
    const holds = new Map<PrefixNode, number>()
    const privatePages = new Map<number, number>()
    for (const [slot, pages] of slots.entries()) countHolds(pool, slot, pages, holds, privatePages)
    const ofTree = new Map<number, PrefixNode>()
    for (const node of published.tree.nodes()) {
      const refs = node.refs[pool.index]!
      if (refs !== (holds.get(node) ?? 0)) {
        throw new Error(`kv cache: a page is held by ${holds.get(node) ?? 0} slots and counts ${refs}`)
      }
      holds.delete(node)
      const page = node.pages[pool.index]!
      if (page < 0) continue
      if (ofTree.has(page)) throw new Error(`kv cache: two nodes have page ${page} of pool ${pool.index}`)
      ofTree.set(page, node)
    }
    if (holds.size > 0) throw new Error('kv cache: a slot holds a node that is not in the tree')
    pool.check(ofTree, (node) => published.mayGo(pool, node))
    for (let page = 0; page < pool.spec.pages; page++) {
      const holder = pool.holderOf(page)
      const isSlot = holder >= 0 && holder < slots.length
      if (isSlot && privatePages.get(page) !== holder)
        throw new Error(`kv cache: page ${page} is lent to slot ${holder}, which does not have it`)
    }
  }
}

function countHolds(
  pool: PagePool,
  slot: number,
  pages: SlotPages,
  holds: Map<PrefixNode, number>,
  privatePages: Map<number, number>,
): void {
  const k = pool.index
  const table = pages.tables[k]!
  if (table.length !== pages.length)
    throw new Error(`kv cache: the tables of slot ${slot} have different lengths`)
  for (let i = 0; i < table.length; i++) {
    const page = table[i]!
    if (i < pages.first[k]!) {
      if (page !== -1) throw new Error(`kv cache: slot ${slot} keeps page ${page} that is out of the window`)
      continue
    }
    const node = pages.nodes[i]
    if (node && (!pages.isPrivate(pool, i) || pool.spec.window === 0))
      holds.set(node, (holds.get(node) ?? 0) + 1)
    if (!pages.isPrivate(pool, i)) continue
    if (pool.holderOf(page) !== slot) {
      throw new Error(`kv cache: page ${page} of slot ${slot} is held by ${pool.holderOf(page)}`)
    }
    if (privatePages.has(page)) throw new Error(`kv cache: page ${page} is twice in the tables`)
    privatePages.set(page, slot)
  }
}

function checkTree(pools: readonly PagePool[], { tree }: PublishedPages): void {
  let size = 0
  const seesAll = pools.filter(({ spec }) => spec.window === 0)
  for (const node of tree.nodes()) {
    size++
    const { parent } = node
    if (!node.isAttached || !parent || parent.children.get(node.hash) !== node) {
      throw new Error('kv cache: a node of the tree is not attached to it')
    }
    if (node.children.size === 0 && node.pages.every((page) => page < 0)) {
      throw new Error('kv cache: a leaf of the tree has no page')
    }
    for (const { index } of seesAll) {
      if (node.pages[index]! < 0) throw new Error(`kv cache: a node lacks its page in pool ${index}`)
      if (parent.parent && parent.refs[index]! < node.refs[index]!) {
        throw new Error('kv cache: a page is held and the one before it is not')
      }
    }
  }
  if (size !== tree.size) throw new Error(`kv cache: the tree counts ${tree.size} nodes and has ${size}`)
}
