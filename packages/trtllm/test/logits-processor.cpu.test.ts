import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { embeddedModelPath, LLM, type LogitsProcessor, type SamplingParams } from '../src/index.js'

const prompt = 'Once upon a time there was a little fox'
const nothing: LogitsProcessor = () => {}

describe.each(['thread', 'process'] as const)('a logits processor of an engine in a %s', (isolation) => {
  let llm: LLM
  beforeAll(async () => {
    llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32', isolation })
  })
  afterAll(() => llm.close())

  const quiet = () =>
    vi.waitFor(async () => expect((await llm.getStats()).gauges.quiescent).toBe(true), { timeout: 10_000 })

  const settings: [string, SamplingParams][] = [
    ['greedy, with log-probabilities', { maxTokens: 24, logprobs: 3, returnGenerationLogits: true }],
    ['drawn, n times', { maxTokens: 24, temperature: 0.9, topK: 40, topP: 0.9, seed: 5, n: 3, logprobs: 0 }],
    [
      'with every rule',
      {
        ...{
          maxTokens: 30,
          temperature: 1.2,
          minP: 0.02,
          seed: 3,
          repetitionPenalty: 1.2,
          presencePenalty: 0.3,
        },
        ...{ frequencyPenalty: 0.2, noRepeatNgramSize: 3, minTokens: 12, badWords: ['the', 'fox'] },
        ...{ logitBias: { 263: 2 }, topP: 0.95, topPDecay: 0.9, topPMin: 0.2, promptIgnoreLength: 2 },
      },
    ],
    ['to a stop string', { maxTokens: 64, stop: ['.'], bestOf: 3, temperature: 1, seed: 9 }],
  ]

  it.each(settings)('that changes nothing gives the answers of none: %s', async (_, params) => {
    const plain = await llm.generate(prompt, params)
    const processed = await llm.generate(prompt, { ...params, logitsProcessor: nothing })
    expect(processed.outputs).toEqual(plain.outputs)
    expect(processed.usage.completionTokens).toBe(plain.usage.completionTokens)
  })

  it('decides what may come next, knowing what came before; several run in order', async () => {
    const allowed = llm.tokenizer.encode(' river forest', { addSpecialTokens: false })
    const seen: number[] = []
    const only: LogitsProcessor = (_, logits) => {
      for (let id = 0; id < logits.length; id++)
        if (!allowed.includes(id)) logits[id] = Number.NEGATIVE_INFINITY
    }
    const alternate: LogitsProcessor = async (id, logits, tokenIds) => {
      await Promise.resolve()
      expect(id).toBe('mine')
      seen.push(tokenIds.length)
      const last = tokenIds.at(-1)!
      if (allowed.includes(last)) logits[last] = Number.NEGATIVE_INFINITY
    }
    const params = { maxTokens: 6, logitsProcessor: [only, alternate] }
    const { outputs, promptTokenIds } = await llm.generate(prompt, params, { requestId: 'mine' })
    const { tokenIds } = outputs[0]!
    expect(tokenIds.every((id) => allowed.includes(id))).toBe(true)
    expect(tokenIds.every((id, at) => id !== tokenIds[at - 1])).toBe(true)
    expect(seen).toEqual(Array.from({ length: 6 }, (_, at) => promptTokenIds.length + at))
  })

  it('that throws ends its call alone; one that rules everything out is told', async () => {
    const broken: LogitsProcessor = (_, __, tokenIds) => {
      if (tokenIds.length > 12) throw new Error('no further')
    }
    const others = llm.generate(prompt, { maxTokens: 40, ignoreEos: true })
    await expect(llm.generate(prompt, { maxTokens: 40, n: 2, logitsProcessor: broken })).rejects.toThrow(
      'no further',
    )
    await expect(
      llm.generate(prompt, { maxTokens: 4, logitsProcessor: (_, logits) => void logits.fill(Number.NaN) }),
    ).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/output token 1 could not be chosen/),
    })
    expect((await others).outputs[0]!.tokenIds).toHaveLength(40)
    await quiet()
  })

  it('that never answers ends with its signal or its deadline and holds nothing', async () => {
    const never: LogitsProcessor = () => new Promise(() => {})
    const call = (options: object) => llm.generate(prompt, { maxTokens: 4, logitsProcessor: never }, options)
    const leave = new AbortController()
    const left = call({ signal: leave.signal })
    leave.abort(new Error('enough'))
    await expect(left).rejects.toThrow('enough')
    await expect(call({ deadlineMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await quiet()
  })
})
