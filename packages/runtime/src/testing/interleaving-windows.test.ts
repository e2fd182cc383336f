import { describe, expect, it } from 'vitest'
import { interleavingCount, liveInterleavings, noCounts } from './interleaving.js'

const parts = Array.from({ length: 10 }, (_, part) => part)
const countInPart = Math.ceil(interleavingCount() / 2 / parts.length)
const timeoutMs = 60_000 + countInPart * 50

// A file of its own, so that it runs beside the other one.
describe('random interleavings with window pools', () => {
  const total = noCounts()

  it.each(parts)(
    'lose nothing, hang nothing and read nothing foreign (part %i)',
    (part) => {
      const counts = liveInterleavings(1 + part * countInPart, countInPart, { windows: true })
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key]
    },
    timeoutMs,
  )

  it('did what they are for', () => {
    const lives = countInPart * parts.length
    expect(total.completed).toBeGreaterThan(4 * lives)
    expect(total.pauses).toBeGreaterThan(lives / 8)
    expect(total.sharedReads).toBeGreaterThan(500 * lives)
    expect(total.cachedTokens).toBeGreaterThan(25 * lives)
  })
})
