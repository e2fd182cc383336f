import { describe, expect, it } from 'vitest'
import { interleavingCount, liveInterleaving, liveInterleavings, noCounts } from './interleaving.js'

const parts = Array.from({ length: 10 }, (_, part) => part)
const countInPart = Math.ceil(interleavingCount() / 2 / parts.length)
const timeoutMs = 60_000 + countInPart * 50

describe('random interleavings without windows', () => {
  const total = noCounts()

  it.each(parts)(
    'lose nothing, hang nothing and read nothing foreign (part %i)',
    (part) => {
      const counts = liveInterleavings(1 + part * countInPart, countInPart)
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key]
    },
    timeoutMs,
  )

  it('did what they are for', () => {
    const lives = countInPart * parts.length
    expect(total.completed).toBeGreaterThan(4 * lives)
    expect(total.searches).toBeGreaterThan(lives / 5)
    expect(total.outside).toBeGreaterThan(lives / 5)
    expect(total.cancelled).toBeGreaterThan(lives)
    expect(total.failedSteps).toBeGreaterThan(lives / 2)
    expect(total.pauses).toBeGreaterThan(lives / 8)
    expect(total.sharedReads).toBeGreaterThan(1000 * lives)
    expect(total.cachedTokens).toBeGreaterThan(30 * lives)
  })

  it('are the same with the same seed', () => {
    expect(liveInterleaving(7)).toEqual(liveInterleaving(7))
  })

  it('give the same tokens with and without reuse', () => {
    // Both are compared with the reference, token for token.
    const without = liveInterleavings(1, 200, { enableBlockReuse: false })
    expect(without.cachedTokens).toBe(0)
    expect(without.sharedReads).toBe(0)
    expect(without.completed).toBeGreaterThan(800)
  }, 60_000)
})
