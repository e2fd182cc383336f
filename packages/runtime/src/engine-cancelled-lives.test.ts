import { expect, it } from 'vitest'
import { liveWithCancels } from './testing/cancelled-lives.js'

const isSoak = process.env.TRTLLM_SOAK === '1'
const count = isSoak ? 10_000 : 200
const seeds = isSoak ? Array.from({ length: 10 }, (_, i) => i + 1) : [1, 2, 3]
const total = { queued: 0, prefilling: 0, prefilled: 0, decoding: 0, paused: 0 }

it.each(seeds)(
  'requests of real sizes lose no page and get only their own tokens, wherever they are cancelled (seed %i)',
  (seed) => {
    const { cancelled, completed, pauses, reads, cachedTokens } = liveWithCancels(seed, count)
    for (const phase of Object.keys(total) as (keyof typeof total)[]) total[phase] += cancelled[phase]
    expect(completed).toBeGreaterThan(count / 2)
    expect(pauses).toBeGreaterThan(count / 25)
    expect(reads).toBeGreaterThan(100_000 * count)
    expect(cachedTokens).toBeGreaterThan(100 * count)
  },
  60_000 + 200 * count,
)

it('cancels landed in every phase', () => {
  // 200 each at the full size, where a run has ten times as many requests.
  expect(Math.min(...Object.values(total))).toBeGreaterThan(isSoak ? 200 * seeds.length : 20)
})
