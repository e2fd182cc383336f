import { describe, expect, it } from 'vitest'
import { KvCache } from './kv-cache.js'
import { LeasePool } from './lease-pool.js'

describe('KvCache', () => {
  const cache = () =>
    new KvCache(
      [
        { pages: 9, pageTokens: 32, window: 0 },
        { pages: 5, pageTokens: 32, window: 64 },
      ],
      2,
    )

  it('counts by the largest pool and extends all pools alike', () => {
    const kv = cache()
    kv.extend(0, 2)
    kv.extend(1, 1)
    expect(kv.counts).toEqual({ total: 9, free: 6, pending: 0 })
    expect([0, 1].map((pool) => [0, 1].map((slot) => kv.slot(slot).tables[pool]!.length))).toEqual([
      [2, 1],
      [2, 1],
    ])
    expect([kv.pagesFor(0), kv.pagesFor(1), kv.pagesFor(32), kv.pagesFor(33)]).toEqual([0, 1, 1, 2])
    kv.check()
  })

  it('lends a page again only after the last step that may touch it', () => {
    const kv = cache()
    kv.extend(0, 3)
    kv.release(0, 7)
    expect(kv.counts).toEqual({ total: 9, free: 6, pending: 3 })
    expect(kv.isAllFree).toBe(false)
    kv.retire(6)
    expect(kv.counts.free).toBe(6)
    kv.retire(7)
    expect(kv.counts).toEqual({ total: 9, free: 9, pending: 0 })
    expect(kv.isAllFree).toBe(true)
    kv.extend(1, 1)
    kv.release(1, 7)
    expect(kv.counts.free).toBe(9)
    kv.check()
  })

  it('throws rather than lend what it does not have', () => {
    expect(() => cache().extend(0, 6)).toThrow('pool 1 has no page to lend')
  })

  it('refuses pools with different page sizes', () => {
    const pools = [
      { pages: 1, pageTokens: 32, window: 0 },
      { pages: 1, pageTokens: 16, window: 0 },
    ]
    expect(() => new KvCache(pools, 1)).toThrow('same page size')
  })
})

describe('LeasePool', () => {
  it('refuses an id from somebody who does not hold it', () => {
    const pool = new LeasePool(2)
    const id = pool.lease(5)
    expect(() => pool.giveBack(id, 6, 0)).toThrow('held by 5, not by 6')
    pool.giveBack(id, 5, 0)
    expect(() => pool.giveBack(id, 5, 0)).toThrow('held by -1')
    pool.check('pool')
  })
})
