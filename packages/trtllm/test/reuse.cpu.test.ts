import type { EngineOptions, EngineRequest } from '@trtllm/runtime'
import { SeededRandom } from '@trtllm/runtime/testing'
import { describe, expect, it } from 'vitest'
import { type Answer, answers as answersOf } from './engine-answers.js'

type Reuse = Pick<EngineOptions, 'enableBlockReuse' | 'copyOnPartialReuse'>

const answers = (batches: readonly EngineRequest[][], reuse: Reuse, kvCacheMaxTokens: number) =>
  answersOf(batches, { kvCacheMaxTokens }, reuse)

/** Three batches: two of prompts that share their first 100 tokens, then some that share less, sampled and greedy. */
function sharedPrompts(): EngineRequest[][] {
  const random = new SeededRandom(3)
  const ids = (count: number) => Array.from({ length: count }, () => random.integer(10, 4000))
  const shared = ids(100)
  return [0, 1, 2].map((batch) =>
    Array.from({ length: 8 }, (_, i) => ({
      id: `${batch}.${i}`,
      promptIds: Int32Array.from([
        ...shared.slice(0, batch === 2 ? [31, 32, 33, 64, 65, 96, 97, 100][i] : 100),
        ...ids(1 + i),
      ]),
      seed: batch * 100 + i,
      maxTokens: 20,
      logprobs: 0,
      ...(i % 2 === 1 && { temperature: 0.9, topP: 0.95 }),
      ...(i % 4 === 3 && { repetitionPenalty: 1.2 }),
    })),
  )
}

describe('prefix reuse on the CPU', () => {
  const tokensAndBits = ({ tokens, bits }: Answer) => ({ tokens, bits })

  it('changes no token and no bit, in a large and in a small cache', async () => {
    const batches = sharedPrompts()
    const without = await answers(batches, { enableBlockReuse: false }, 4096)
    expect(without.answers.every(({ cachedTokens }) => cachedTokens === 0)).toBe(true)
    expect(new Set(without.answers.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(8)
    for (const kvCacheMaxTokens of [4096, 480]) {
      const reused = await answers(batches, {}, kvCacheMaxTokens)
      expect(reused.answers.map(tokensAndBits)).toEqual(without.answers.map(tokensAndBits))
      expect(reused.counters.reusedTokens).toBeGreaterThan(800)
      const copied = reused.answers.filter(({ cachedTokens }) => cachedTokens % 32 > 0)
      expect(copied.length).toBeGreaterThan(2)
      const whole = await answers(batches, { copyOnPartialReuse: false }, kvCacheMaxTokens)
      expect(whole.answers.map(tokensAndBits)).toEqual(without.answers.map(tokensAndBits))
      expect(whole.answers.every(({ cachedTokens }) => cachedTokens % 32 === 0)).toBe(true)
    }
  })

  it('finds whole pages, copies the first tokens of the next and leaves one to compute', async () => {
    const promptIds = Int32Array.from({ length: 64 }, (_, i) => 10 + i)
    const one = (id: string): EngineRequest => ({ id, promptIds, maxTokens: 40, ignoreEos: true, seed: 1 })
    const { answers: got } = await answers([[one('a')], [one('b')]], {}, 4096)
    expect(got.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 63])
    expect(got[0]!.tokens).toEqual(got[1]!.tokens)
  })
})
