import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aligned, arenaAlignment, arenaFormula, type Lifetime, layOutArena } from './arena.js'
import { extentAt, noExtent } from './extent.js'

const largest = { tokens: 64, rows: 8, seqs: 4 }
const alive = (tokens: number, first: number, last: number, rows = 0): Lifetime => ({
  extent: { ...noExtent, tokens, rows },
  first,
  last,
})

const lifetime = fc
  .record({
    extent: fc.record({
      constant: fc.nat(2000),
      tokens: fc.nat(100),
      rows: fc.nat(1000),
      seqs: fc.nat(10),
    }),
    first: fc.nat(40),
    length: fc.nat(10),
  })
  .map(({ extent, first, length }): Lifetime => ({ extent, first, last: first + length }))

describe('layOutArena', () => {
  it('never lets values that are alive together overlap', () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 60 }), (lifetimes) => {
        const { offsets, bytes } = layOutArena(lifetimes, largest)
        lifetimes.forEach((a, i) => {
          const endOfA = offsets[i]! + extentAt(a.extent, largest)
          expect(offsets[i]! % arenaAlignment).toBe(0)
          expect(endOfA).toBeLessThanOrEqual(bytes)
          lifetimes.slice(i + 1).forEach((b, j) => {
            const startOfB = offsets[i + 1 + j]!
            const endOfB = startOfB + extentAt(b.extent, largest)
            const together = a.first <= b.last && b.first <= a.last
            if (together) expect(endOfA <= startOfB || endOfB <= offsets[i]!).toBe(true)
          })
        })
      }),
      { numRuns: 300 },
    )
  })

  it('is never larger than all values side by side', () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 30 }), (lifetimes) => {
        const all = lifetimes.reduce((sum, { extent }) => sum + aligned(extentAt(extent, largest)), 0)
        expect(layOutArena(lifetimes, largest).bytes).toBeLessThanOrEqual(all)
      }),
    )
  })

  it('uses room again when its value is no longer read', () => {
    const { offsets, bytes } = layOutArena([alive(4, 0, 1), alive(4, 1, 2), alive(4, 2, 3)], largest)
    expect(bytes).toBe(512)
    expect(offsets[0]).toBe(offsets[2])
  })

  it('does not let a node write over what it reads', () => {
    const { offsets } = layOutArena([alive(4, 0, 1), alive(4, 1, 1)], largest)
    expect(offsets[0]).not.toBe(offsets[1])
  })

  it('lays out nothing', () => {
    expect(layOutArena([], largest)).toEqual({ offsets: [], bytes: 0 })
    expect(arenaFormula([])).toBe('0')
  })
})

describe('arenaFormula', () => {
  it('is what is alive at the busiest node', () => {
    expect(arenaFormula([alive(4, 0, 1), alive(8, 1, 2), alive(2, 3, 3)])).toBe('12*tokens')
  })

  it('names every node that can be the busiest', () => {
    expect(arenaFormula([alive(4, 0, 0), alive(1, 1, 1, 6), alive(0, 2, 2, 6)])).toBe(
      'max(4*tokens, tokens + 6*rows)',
    )
  })
})
