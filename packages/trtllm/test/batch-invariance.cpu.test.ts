import type { EngineRequest } from '@trtllm/runtime'
import { SeededRandom } from '@trtllm/runtime/testing'
import { expect, it } from 'vitest'
import { type Answer, answers } from './engine-answers.js'

/** Requests that are answered in company and alone; ten times as many in `npm run test:soak`. */
const count = process.env.TRTLLM_SOAK === '1' ? 1000 : 100

/** Ragged prompts across chunk and page edges, every other one with a prefix that others have, greedy and sampled. */
function requests(): EngineRequest[] {
  const random = new SeededRandom(11)
  const ids = (length: number) => Array.from({ length }, () => random.integer(10, 4000))
  const shared = ids(100)
  return Array.from({ length: count }, (_, i) => {
    const own = ids(random.integer(1, i % 10 === 0 ? 170 : 60))
    const prefix = i % 2 === 0 ? [] : shared.slice(0, random.integer(1, 100))
    return {
      id: String(i),
      promptIds: Int32Array.from([...prefix, ...own].slice(0, 175)),
      seed: i,
      maxTokens: 48,
      ignoreEos: i % 3 !== 0,
      logprobs: 2,
      ...(i % 2 === 1 && { temperature: 0.9, topP: 0.95 }),
      ...(i % 7 === 3 && { repetitionPenalty: 1.2, frequencyPenalty: 0.3 }),
    }
  })
}

const tokensAndBits = ({ tokens, bits }: Answer) => ({ tokens, bits })

it(
  'a request has the same tokens and logprob bits in any company as alone',
  async () => {
    const all = requests()
    const alone = await answers(
      all.map((request) => [request]),
      { maxBatchSize: 1, threads: 1 },
      { enableBlockReuse: false, maxInFlightSteps: 1 },
    )
    // A cache that is too small for the batch: sequences are paused and computed again, prefixes come and go.
    const together = await answers(
      [all],
      { maxBatchSize: 16, maxNumTokens: 72, kvCacheMaxTokens: 1024 },
      { policy: 'MAX_UTILIZATION' },
    )
    expect(together.answers.map(tokensAndBits)).toEqual(alone.answers.map(tokensAndBits))
    expect(together.counters.pauses).toBeGreaterThan(count / 5)
    expect(together.counters.reusedTokens).toBeGreaterThan(10 * count)
    const other = await answers(
      [[...all].reverse()],
      { maxBatchSize: 7, maxNumTokens: 33, threads: 1 },
      { chunking: 'EQUAL_PROGRESS', prefixAware: false },
    )
    expect(other.answers.reverse().map(tokensAndBits)).toEqual(alone.answers.map(tokensAndBits))
  },
  60_000 + 600 * count,
)
