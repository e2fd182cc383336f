import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CachePrefix, type CacheScope } from './cache-prefix.js'
import { KvCache, type KvCacheOptions } from './kv-cache.js'

const pageTokens = 4
const pool = (pages: number, window = 0) => ({ pages, pageTokens, window })
const ids = (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0))
const prefixOf = (text: string, scope?: CacheScope) => new CachePrefix(ids(text), [], scope)

/** A cache in which sequences come and go whole: slot 0 computes a text and leaves its pages behind. */
class Bench {
  readonly cache: KvCache
  step = 0

  constructor(pools = [pool(8)], options: KvCacheOptions = {}) {
    this.cache = new KvCache(pools, 4, options)
  }

  come(slot: number, text: string, scope?: CacheScope, nowMs = 0): number {
    const prefix = prefixOf(text, scope)
    const offer = this.cache.offer(prefix)
    this.cache.claim(slot, prefix, offer, nowMs)
    this.cache.extend(slot, this.cache.pagesFor(text.length) - offer.pages)
    this.step++
    this.cache.copyPartial(slot, offer, this.step)
    this.cache.retire(this.step)
    this.cache.publish(slot, prefix, text.length, nowMs)
    this.cache.check()
    return offer.tokens
  }

  leave(slot: number): void {
    this.cache.release(slot, this.step)
    this.cache.check()
  }

  /** Tokens of a text that are cached now. */
  cached(text: string, scope?: CacheScope): number {
    return this.cache.offer(prefixOf(`${text}.`, scope)).tokens
  }

  leaveBehind(text: string, scope?: CacheScope, nowMs = 0): void {
    this.come(0, text, scope, nowMs)
    this.leave(0)
  }
}

describe('prefix reuse', () => {
  it('shares whole pages and leaves at least one token to compute', () => {
    const bench = new Bench()
    bench.leaveBehind('aaaabbbbcc')
    expect(bench.cached('aaaabbbbcccc')).toBe(8)
    expect(bench.come(1, 'aaaabbbb')).toBe(4)
    expect(bench.come(2, 'aaaabbbbx')).toBe(8)
    expect(bench.cache.slot(1).tables[0]![0]).toBe(bench.cache.slot(2).tables[0]![0])
    expect(bench.cache.reuse).toEqual({ reusedPages: 3, missedPages: 3, reusedTokens: 12 })
    expect(bench.cache.hitRate).toBe(0.5)
  })

  it('keeps scopes apart: salt, adapter, rope variant, model, media', () => {
    const bench = new Bench([pool(30)])
    const scopes: CacheScope[] = [
      {},
      { salt: 'a' },
      { salt: 'b' },
      { adapter: 'a' },
      { ropeVariant: 1 },
      { model: 'other' },
      { media: [{ start: 1, end: 3, hash: 'cat' }] },
      { media: [{ start: 1, end: 3, hash: 'dog' }] },
    ]
    for (const scope of scopes) {
      expect(bench.cached('aaaabbbb', scope)).toBe(0)
      bench.leaveBehind('aaaabbbb', scope)
      expect(bench.cached('aaaabbbb', scope)).toBe(8)
    }
  })

  it('publishes nothing but what is complete, and no half-filled page', () => {
    const { cache } = new Bench()
    const prefix = prefixOf('aaaabbbbccc')
    cache.claim(0, prefix, cache.offer(prefix), 0)
    cache.extend(0, 3)
    cache.publish(0, prefix, 7, 0)
    expect(cache.offer(prefix).tokens).toBe(4)
    cache.release(0, 1)
    cache.check()
    expect(cache.offer(prefix).tokens).toBe(4)
    expect(cache.counts).toEqual({ total: 8, free: 5, pending: 3 })
    cache.retire(1)
    expect(cache.counts).toEqual({ total: 8, free: 8, pending: 0 })
  })

  it('compares tokens, not only hashes: a hash that collides shares nothing and keeps nothing', () => {
    const { cache } = new Bench()
    const prefixes = ['aaaabbbbx', 'ccccddddx'].map((text) => {
      const prefix = prefixOf(text)
      prefix.hashOf = (page) => page
      return prefix
    })
    for (const [slot, prefix] of prefixes.entries()) {
      const offer = cache.offer(prefix)
      expect(offer.tokens).toBe(0)
      cache.claim(slot, prefix, offer, 0)
      cache.extend(slot, 3)
      cache.publish(slot, prefix, 9, 0)
      cache.check()
    }
    expect(prefixes.map((prefix) => cache.offer(prefix).tokens)).toEqual([8, 0])
    for (const slot of [0, 1]) cache.release(slot, 0)
    cache.check()
    expect(cache.idlePages).toBe(2)
  })

  it('keeps nothing when reuse is off', () => {
    const bench = new Bench([pool(8)], { reuse: false })
    bench.leaveBehind('aaaabbbb')
    expect(bench.cached('aaaabbbb')).toBe(0)
    expect(bench.cache.idlePages).toBe(0)
  })

  it('evicts by priority, then least recently used, leaves before what they hang on', () => {
    const bench = new Bench([pool(6)])
    const kept: CacheScope = { retention: { tokenRanges: [{ tokenStart: 0, priority: 80 }] } }
    const cheap: CacheScope = { retention: { tokenRanges: [{ tokenStart: 0, priority: 5 }] } }
    bench.leaveBehind('kkkk', kept)
    bench.leaveBehind('aaaabbbb')
    bench.leaveBehind('cccc')
    bench.leaveBehind('xxxx', cheap)
    const cached = () => [...'kacx'].map((one) => bench.cached(one === 'a' ? 'aaaabbbb' : one.repeat(4)))
    expect(cached()).toEqual([4, 8, 4, 4])
    bench.come(1, '11112222')
    expect(cached()).toEqual([4, 8, 4, 0])
    bench.come(2, '3333')
    expect(cached()).toEqual([4, 4, 4, 0])
    bench.come(3, '4444')
    expect(cached()).toEqual([4, 0, 4, 0])
  })

  it('lets a priority run out', () => {
    const bench = new Bench([pool(2)])
    const scope: CacheScope = {
      retention: { tokenRanges: [{ tokenStart: 0, priority: 90, durationMs: 100 }] },
    }
    bench.leaveBehind('kkkk', scope)
    bench.leaveBehind('aaaa', undefined, 10)
    bench.cache.expire(99)
    bench.come(1, '1111', undefined, 99)
    expect([bench.cached('kkkk'), bench.cached('aaaa')]).toEqual([4, 0])
    bench.leave(1)
    bench.cache.expire(100)
    bench.cache.check()
    bench.come(2, '2222', undefined, 100)
    expect([bench.cached('kkkk'), bench.cached('1111')]).toEqual([0, 4])
  })

  it('tells TensorRT-LLM events', () => {
    const bench = new Bench([pool(2)], { eventCapacity: 100, maxWindow: 64 })
    bench.leaveBehind('aaaabbbb')
    bench.leaveBehind('cccc', { retention: { tokenRanges: [{ tokenStart: 0, priority: 7 }] } })
    const events = bench.cache.drainEvents()
    expect(events.map(({ event_id, window_size }) => [event_id, window_size])).toEqual(
      events.map((_, i) => [i, 64]),
    )
    expect(events.map(({ data }) => data.type)).toEqual(['created', 'stored', 'removed', 'stored'])
    const [created, stored, removed, other] = events.map(({ data }) => data)
    expect(created).toEqual({ type: 'created', num_blocks_per_cache_level: [2] })
    if (stored?.type !== 'stored' || removed?.type !== 'removed' || other?.type !== 'stored')
      throw new Error()
    expect(stored.parent_hash).toBeNull()
    expect(stored.blocks.map(({ tokens }) => tokens.map(({ token_id }) => token_id))).toEqual([
      [...ids('aaaa')],
      [...ids('bbbb')],
    ])
    expect(removed.block_hashes).toEqual([stored.blocks[1]!.block_hash])
    expect(other.blocks[0]!.priority).toBe(7)
    expect(bench.cache.drainEvents()).toEqual([])
    const again: CacheScope = { retention: { tokenRanges: [{ tokenStart: 0, priority: 50 }] } }
    bench.come(1, 'ccccd', again)
    expect(bench.cache.drainEvents()[0]?.data).toEqual({
      type: 'updated',
      block_hash: other.blocks[0]!.block_hash,
      cache_level: null,
      priority: { type: 'event_diff', old_value: 7, new_value: 50 },
    })
  })

  it('bounds what it tells and shows the gap', () => {
    const bench = new Bench([pool(2)], { eventCapacity: 3 })
    for (const letter of 'abcdefgh') bench.leaveBehind(letter.repeat(4))
    const events = bench.cache.drainEvents()
    expect(events.length).toBe(3)
    expect(events[0]!.event_id).toBeGreaterThan(3)
  })
})

describe('window pools', () => {
  it('give back pages out of the window and are reused only where the window is whole', () => {
    const bench = new Bench([pool(12), pool(5, 6)])
    bench.come(0, 'aaaabbbbccccdddd')
    bench.cache.trim(0, 16)
    bench.cache.check()
    expect(bench.cache.slot(0).first).toEqual([0, 2])
    bench.leave(0)
    expect(bench.cached('aaaabbbbccccdddd')).toBe(16)
    // Takes idle pages of the window pool: the first pages of the text go before the last ones.
    bench.come(1, 'xxxxyyyyz')
    expect(bench.cached('aaaabbbbccccdddd')).toBe(16)
    expect(bench.cached('aaaabbbb')).toBe(0)
    bench.come(2, '5')
    expect(bench.cached('aaaabbbbccccdddd')).toBe(0)
  })
})

describe('a cache under random use', () => {
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ come: fc.stringMatching(/^[ab]{1,24}$/), salt: fc.constantFrom('', 's') }),
    },
    { weight: 3, arbitrary: fc.record({ compute: fc.nat(3), tokens: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 2, arbitrary: fc.constant('retire' as const) },
    { weight: 3, arbitrary: fc.record({ leave: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.constant('reset' as const) },
  )

  it('keeps every page and never lends one that somebody needs', () => {
    const property = fc.property(
      fc.array(act, { maxLength: 80, size: 'max' }),
      fc.boolean(),
      (acts, windowed) => {
        const cache = new KvCache(windowed ? [pool(20), pool(20, 6)] : [pool(20)], 4, { partialReuse: true })
        const living = new Map<
          number,
          { prefix: CachePrefix; length: number; computed: number; complete: number }
        >()
        const inFlight: { slot: number; end: number; step: number; whose: object }[] = []
        let step = 0
        const retire = () => {
          const done = inFlight.shift()
          if (!done) return
          cache.retire(done.step)
          const sequence = living.get(done.slot)
          if (sequence !== done.whose) return
          sequence.complete = done.end
          cache.publish(done.slot, sequence.prefix, done.end, 0)
          cache.trim(done.slot, done.end)
        }
        for (const one of acts) {
          if (one === 'retire') retire()
          else if (one === 'reset') cache.reset()
          else if ('come' in one) {
            const slot = [0, 1, 2, 3].find((each) => !living.has(each))
            if (slot === undefined) continue
            const prefix = prefixOf(one.come, { salt: one.salt })
            const offer = cache.offer(prefix)
            expect(offer.tokens).toBeLessThan(one.come.length)
            const need = cache.pagesFor(one.come.length) - offer.pages
            if (cache.poolCounts.some(({ free }, k) => free - offer.idle[k]! < need)) continue
            cache.claim(slot, prefix, offer, 0)
            cache.extend(slot, need)
            cache.copyPartial(slot, offer, step + 1)
            living.set(slot, { prefix, length: one.come.length, computed: offer.tokens, complete: 0 })
          } else if ('compute' in one) {
            const sequence = living.get(one.compute)
            if (!sequence || sequence.computed === sequence.length) continue
            sequence.computed = Math.min(sequence.length, sequence.computed + one.tokens)
            inFlight.push({ slot: one.compute, end: sequence.computed, step: ++step, whose: sequence })
            if (inFlight.length > 2) retire()
          } else if (living.delete(one.leave)) cache.release(one.leave, step)
          cache.check()
        }
        while (inFlight.length > 0) retire()
        for (const slot of living.keys()) cache.release(slot, step)
        cache.retire(step + 1)
        cache.check()
        expect(cache.poolCounts.every(({ total, free }) => free === total)).toBe(true)
        cache.reset()
        cache.check()
        expect(cache.pools.every(({ idle }) => idle === 0)).toBe(true)
      },
    )
    fc.assert(property, { numRuns: 600, seed: 11 })
  })
})
