import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, LLM, type TokenLogprob } from '../src/index.js'

let llm: LLM
beforeAll(async () => {
  // Few tokens a step, so that prompts come in several chunks.
  llm = await LLM.load(embeddedModelPath(), {
    device: 'cpu',
    dtype: 'f32',
    maxNumTokens: 48,
    maxBatchSize: 8,
  })
})
afterAll(() => llm.close())

const tale = 'Once upon a time there was a little fox who lived near the river. '

/** What a row of logits makes of an id: log-softmax in f64, rank, and the best ids, equal ones lowest first. */
function truth(logits: Float32Array, id: number, numTop: number): TokenLogprob {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const total = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0))
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b)
  const top = order.slice(0, numTop).map((best) => ({ id: best, logprob: logits[best]! - total }))
  const rank = 1 + logits.reduce((count, logit) => count + (logit > logits[id]! ? 1 : 0), 0)
  return { id, logprob: logits[id]! - total, rank, top }
}

function expectLogprob(found: TokenLogprob, expected: TokenLogprob): void {
  expect({ id: found.id, rank: found.rank }).toEqual({ id: expected.id, rank: expected.rank })
  expect(found.logprob).toBeCloseTo(expected.logprob, 4)
  expect(found.top.map(({ id }) => id)).toEqual(expected.top.map(({ id }) => id))
  for (const [at, { logprob }] of found.top.entries())
    expect(logprob).toBeCloseTo(expected.top[at]!.logprob, 4)
}

describe('log-probabilities and logits of prompt and answer', () => {
  it.each([0, 3, 20])('agree with the logits of every position, %i candidates', async (count) => {
    const prompt = tale.repeat(4)
    const params = { maxTokens: 20, logprobs: count, promptLogprobs: count, returnGenerationLogits: true }
    const answer = await llm.generate(prompt, {
      ...params,
      temperature: 1.2,
      seed: 3,
      repetitionPenalty: 1.3,
    })
    const [output] = answer.outputs
    const { promptTokenIds } = answer
    const { values, vocabSize } = await llm.score([...promptTokenIds, ...output!.tokenIds])
    const rowOf = (position: number) => values.subarray(position * vocabSize, (position + 1) * vocabSize)
    expect(promptTokenIds.length).toBeGreaterThan(64)
    expect(answer.promptLogprobs).toHaveLength(promptTokenIds.length)
    expect(answer.promptLogprobs![0]).toBeNull()
    for (const [at, id] of promptTokenIds.entries())
      if (at > 0) expectLogprob(answer.promptLogprobs![at]!, truth(rowOf(at - 1), id, count))
    for (const [at, id] of output!.tokenIds.entries())
      expectLogprob(output!.logprobs![at]!, truth(rowOf(promptTokenIds.length - 1 + at), id, count))
    expect(output!.generationLogits).toMatchObject({ rows: 20, vocabSize })
    const first = promptTokenIds.length - 1
    expect(output!.generationLogits!.values).toEqual(
      values.slice(first * vocabSize, (first + 20) * vocabSize),
    )
  })

  it('are the same whatever else runs and is cached', async () => {
    const ask = () => llm.generate(tale, { maxTokens: 4, promptLogprobs: 2, returnContextLogits: true })
    const alone = await ask()
    const others = Array.from({ length: 6 }, (_, at) => llm.generate(tale + at, { maxTokens: 30 }))
    expect(await ask()).toEqual({ ...alone, requestId: expect.any(String) })
    await Promise.all(others)
  })

  it('are told once where there are several answers', async () => {
    const { outputs, promptLogprobs } = await llm.generate(tale, {
      n: 3,
      maxTokens: 3,
      promptLogprobs: 0,
      seed: 1,
    })
    expect(outputs).toHaveLength(3)
    expect(promptLogprobs).toHaveLength(llm.tokenizer.encode(tale).length)
  })

  it('of a prompt of one token are one null', async () => {
    const { promptLogprobs } = await llm.generate([5], { maxTokens: 1, promptLogprobs: 0 })
    expect(promptLogprobs).toEqual([null])
  })
})
