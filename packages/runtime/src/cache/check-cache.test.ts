import { describe, expect, it } from 'vitest'
import { CachePrefix } from './cache-prefix.js'
import { KvCache } from './kv-cache.js'
import { LeasePool } from './lease-pool.js'
import type { SlotPages } from './slot-pages.js'

const pageTokens = 4
const prefix = (first: number) =>
  new CachePrefix(
    Int32Array.from({ length: 13 }, (_, i) => first + i),
    [],
  )

/** Slots 0 and 1 share two pages of a prefix, each has more; slot 2 has left three pages behind; a window pool beside. */
function someCache() {
  const pools = [0, 6].map((window) => ({ pages: 16, pageTokens, window }))
  const cache = new KvCache(pools, 3)
  const come = (slot: number, first: number) => {
    const own = prefix(first)
    const offer = cache.offer(own)
    cache.claim(slot, own, offer, 0)
    cache.extend(slot, 4 - offer.pages)
    cache.publish(slot, own, slot === 1 ? 8 : 12, 0)
    return own
  }
  const own = come(0, 0)
  come(1, 0)
  come(2, 100)
  cache.release(2, 5)
  cache.check()
  const node = (index: number) => cache.slot(0).nodes[index]!
  return { cache, own, node, slot: (slot: number) => cache.slot(slot) as SlotPages }
}

type World = ReturnType<typeof someCache>

const corruptions: Record<string, (world: World) => void> = {
  'a hold that nobody has': ({ node }) => void node(0).refs[0]!++,
  'a hold that is not counted': ({ node }) => void node(2).refs[0]!--,
  'a page that two nodes have': ({ node }) => {
    node(0).pages[0] = node(1).pages[0]!
  },
  'a node without its page': ({ node }) => {
    node(1).pages[0] = -1
  },
  'a node that is not attached': ({ node }) => {
    node(2).isAttached = false
  },
  'a node that left the tree': ({ node }) => void node(1).children.clear(),
  'a table that lost a page': ({ slot }) => void slot(0).tables[1]!.pop(),
  'a private page of another slot': ({ slot }) => {
    slot(0).tables[0]![3] = slot(1).tables[0]![3]!
  },
  'a page twice in a table': ({ slot }) => void slot(0).tables.map((table) => table.push(table[3]!)),
  'a page kept though it is out of the window': ({ slot }) => {
    slot(0).first[1] = 1
  },
  'a page that is lent and in no table': ({ slot }) => void slot(0).tables.map((table) => table.pop()),
  'an idle page whose readers are forgotten': ({ cache, own }) => {
    cache.release(0, 9)
    cache.release(1, 9)
    cache.offer(own).nodes[2]!.lastStep[0] = 0
  },
  'an idle page that is not in line': ({ cache }) => {
    for (let node = cache.pools[0]!.nextToEvict(() => true, true); node; ) {
      node = cache.pools[0]!.nextToEvict(() => true, true)
    }
  },
  'a window page that counts as shared': ({ cache }) => void cache.pools[1]!.shared++,
}

describe('check', () => {
  it.each(Object.entries(corruptions))('notices %s', (_, corrupt) => {
    const world = someCache()
    corrupt(world)
    expect(() => world.cache.check()).toThrow(/kv cache|page pool/)
  })

  it('notices a hold that is dropped twice', () => {
    const { cache, node } = someCache()
    node(2).refs[0] = 0
    expect(() => cache.pools[0]!.drop(node(2), 1, 1)).toThrow('nobody holds')
  })

  it('notices an id that is lost or passed on by a stranger', () => {
    const pool = new LeasePool(2)
    const id = pool.lease(1)
    expect(() => pool.transfer(id, 2, 3)).toThrow('held by 1, not by 2')
    pool.transfer(id, 1, -1)
    expect(() => pool.check('pool')).toThrow(`id ${id} is lost`)
  })
})
