import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, LLM, type SamplingParams } from '../src/index.js'

/** What tools/beam_goldens.py wrote. */
interface Golden {
  endIds: number[]
  cases: {
    promptTokenIds: number[]
    settings: Record<string, number | string>
    answers: { tokenIds: number[]; score: number }[]
  }[]
}

const golden: Golden = JSON.parse(readFileSync(new URL('../goldens/beams.json', import.meta.url), 'utf8'))
const stopping = ['heuristic', 'full', 'never']

const paramsOf = ({
  width,
  earlyStopping,
  ...rest
}: Golden['cases'][number]['settings']): SamplingParams => ({
  useBeamSearch: true,
  bestOf: Number(width),
  earlyStopping: stopping.indexOf(String(earlyStopping)),
  ...rest,
})

async function expectGoldens(llm: LLM): Promise<void> {
  const found = await Promise.all(
    golden.cases.map(({ promptTokenIds, settings }) => llm.generate(promptTokenIds, paramsOf(settings))),
  )
  for (const [at, { settings, answers }] of golden.cases.entries()) {
    const { outputs } = found[at]!
    const what = `case ${at}: ${JSON.stringify(settings)}`
    expect(
      outputs.map(({ tokenIds }) => tokenIds),
      what,
    ).toEqual(answers.map(({ tokenIds }) => tokenIds))
    for (const [i, { score }] of answers.entries()) {
      // Sums of f32 in another order; a score may be a sum times its length.
      expect(Math.abs(outputs[i]!.score! - score), what).toBeLessThan(1e-5 * Math.max(1, Math.abs(score)))
    }
  }
}

describe('beam search', () => {
  let llm: LLM
  beforeAll(async () => {
    llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32' })
  })
  afterAll(() => llm.close())

  it('finds what Transformers finds, all searches at once', () => expectGoldens(llm), 300_000)

  it('counts tokens, tells log-probabilities and ends each answer as it ended', async () => {
    const params = { useBeamSearch: true, bestOf: 4, n: 3, maxTokens: 30, logprobs: 2 }
    const { outputs, usage } = await llm.generate('Once upon a time', params)
    expect(usage.completionTokens).toBe(outputs.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0))
    for (const { tokenIds, logprobs, cumulativeLogprob, score, text, finishReason } of outputs) {
      expect(logprobs!.map(({ id }) => id)).toEqual(tokenIds)
      expect(logprobs!.every(({ top }) => top.length === 2)).toBe(true)
      expect(logprobs!.reduce((sum, { logprob }) => sum + logprob, 0)).toBeCloseTo(cumulativeLogprob!, 4)
      expect(score).toBeCloseTo(cumulativeLogprob!, 6)
      expect(text).toBe(llm.tokenizer.decode(tokenIds, { skipSpecialTokens: true }))
      expect(finishReason).toBe(golden.endIds.includes(tokenIds.at(-1)!) ? 'stop' : 'length')
    }
  })

  it('leaves nothing behind when it is left early', async () => {
    const signal = AbortSignal.timeout(40)
    const params = { useBeamSearch: true, bestOf: 8, maxTokens: 400, ignoreEos: true }
    await expect(llm.generate('Once upon a time', params, { signal })).rejects.toThrow()
    const until = performance.now() + 10_000
    let quiescent = false
    while (!quiescent && performance.now() < until) quiescent = (await llm.getStats()).gauges.quiescent
    expect(quiescent).toBe(true)
  })

  it('refuses logits of tokens, which belong to no answer', async () => {
    const params = { useBeamSearch: true, returnGenerationLogits: true }
    await expect(llm.generate('x', params)).rejects.toThrow('does not go with beams')
  })
})

it.each([
  ['two slots and small steps', { maxBatchSize: 2, maxNumTokens: 16 }],
  ['without reuse', { enableBlockReuse: false }],
  ['one step at a time', { disableOverlapScheduler: true, maxBatchSize: 3 }],
])(
  'beam search finds the same with %s',
  async (_, options) => {
    await using llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32', ...options })
    for (const { promptTokenIds, settings, answers } of golden.cases.slice(0, 8)) {
      const { outputs } = await llm.generate(promptTokenIds, { ...paramsOf(settings) })
      expect(outputs.map(({ tokenIds }) => tokenIds)).toEqual(answers.map(({ tokenIds }) => tokenIds))
    }
  },
  300_000,
)
