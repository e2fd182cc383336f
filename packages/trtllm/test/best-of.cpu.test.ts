import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, type GenerationDelta, LLM } from '../src/index.js'

describe('the best of several answers', () => {
  let llm: LLM
  beforeAll(async () => {
    llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32' })
  })
  afterAll(() => llm.close())

  const prompt = 'Once upon a time there was a little fox'
  const params = { maxTokens: 12, temperature: 1.4, seed: 11, stop: ['.'] }

  it('are the likeliest of those that n alone gives, whole', async () => {
    const all = (await llm.generate(prompt, { ...params, n: 6, logprobs: 1 })).outputs
    const ranked = all.toSorted((a, b) => b.cumulativeLogprob! - a.cumulativeLogprob!)
    expect(new Set(ranked.map(({ cumulativeLogprob }) => cumulativeLogprob)).size).toBe(6)
    expect(ranked).not.toEqual(all)
    const best = (await llm.generate(prompt, { ...params, n: 2, bestOf: 6, logprobs: 1 })).outputs
    expect(best).toEqual(ranked.slice(0, 2).map((answer, index) => ({ ...answer, index })))
  })

  it('come at the end, without log-probabilities that nobody asked for; what is told of the prompt comes at once', async () => {
    const deltas: GenerationDelta[] = []
    const asked = { ...params, n: 2, bestOf: 3, promptLogprobs: 0, returnGenerationLogits: true }
    for await (const delta of llm.generateStream(prompt, asked)) deltas.push(delta)
    const [about, ...answers] = deltas
    expect(about).toMatchObject({ index: 0, text: '', tokenIds: [] })
    expect(about!.promptLogprobs!.tokens.length).toBeGreaterThan(8)
    expect(answers.map(({ index, finish }) => [index, finish?.usage.completionTokens])).toEqual(
      answers.map(({ tokenIds }, index) => [index, tokenIds.length]),
    )
    expect(answers).toHaveLength(2)
    for (const answer of answers) {
      expect(answer).not.toHaveProperty('logprobs')
      expect(answer.generationLogits).toHaveLength(answer.tokenIds.length)
    }
  })
})
