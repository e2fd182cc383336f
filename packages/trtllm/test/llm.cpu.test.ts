import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  embeddedModelPath,
  type GenerationDelta,
  LLM,
  parseToolCalls,
  type SamplingParams,
  version,
} from '../src/index.js'

let llm: LLM
beforeAll(async () => {
  llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32' })
})
afterAll(() => llm.close())

const tale = 'Once upon a time'
const first = async (prompt: string, params: SamplingParams = {}) =>
  (await llm.generate(prompt, { maxTokens: 48, ...params })).outputs[0]!

async function collect(stream: AsyncIterable<GenerationDelta>): Promise<GenerationDelta[]> {
  const deltas: GenerationDelta[] = []
  for await (const delta of stream) deltas.push(delta)
  return deltas
}

/** Nothing lives in the engine and every page is back. */
async function isQuiescent(): Promise<boolean> {
  // The step that runs when a request ends is read later.
  const until = performance.now() + 10_000
  while (performance.now() < until) if ((await llm.getStats()).gauges.quiescent) return true
  return false
}

describe('an LLM on the embedded model', () => {
  it('tells what it is', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+/)
    expect(llm.info).toMatchObject({
      architecture: 'LlamaForCausalLM',
      vocabSize: 4096,
      maxSeqLen: 2048,
      maxBatchSize: 64,
      maxNumTokens: 512,
      eosIds: [1, 3],
      dtype: 'f32',
      device: { kind: 'cpu' },
    })
    expect(Object.keys(llm.info.loadSeconds)).toContain('loading weights')
    expect(llm.state).toBe('ready')
  })

  it('continues one prompt or several, in order', async () => {
    const one = await llm.generate(tale, { maxTokens: 12 })
    expect(one).toMatchObject({
      prompt: tale,
      finished: true,
      usage: { promptTokens: 5, completionTokens: 12 },
    })
    expect(one.outputs[0]!.text).toBe(llm.tokenizer.decode(one.outputs[0]!.tokenIds))
    const prompts = [tale, 'Long ago,', 'The fox']
    const several = await llm.generate(
      prompts,
      prompts.map((_, at) => ({ maxTokens: 5 + at })),
    )
    expect(several.map(({ prompt, usage }) => [prompt, usage.completionTokens])).toEqual([
      [tale, 5],
      ['Long ago,', 6],
      ['The fox', 7],
    ])
    expect(await llm.generate([])).toEqual([])
  })

  it('answers chats, and calls tools', async () => {
    const sum = await llm.chat([{ role: 'user', content: 'What is 12 + 30?' }])
    expect(sum.outputs[0]).toMatchObject({ text: '42', finishReason: 'stop', stopReason: null })
    const tools = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'Get the weather of a city',
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
      },
    ]
    const asked = await llm.chat([{ role: 'user', content: 'What is the weather in Paris?' }], {}, { tools })
    const { calls } = parseToolCalls(asked.outputs[0]!.text)
    expect(calls.map(({ name }) => name)).toEqual(['get_weather'])
    expect(JSON.parse(calls[0]!.arguments)).toMatchObject({ city: 'Paris' })
  })

  it('gives the same answer streamed and whole', async () => {
    const cases: SamplingParams[] = [
      {},
      { temperature: 0.9, topP: 0.9, seed: 3, n: 3 },
      { stop: [' who', '. '], logprobs: 2 },
      { stop: 'the', includeStopStrInOutput: true },
      { temperature: 1.2, seed: 11, minTokens: 20, repetitionPenalty: 1.2 },
    ]
    for (const params of cases) {
      const whole = await llm.generate(tale, { maxTokens: 40, ...params })
      const deltas = await collect(llm.generateStream(tale, { maxTokens: 40, ...params }))
      for (const output of whole.outputs) {
        const own = deltas.filter(({ index }) => index === output.index)
        expect(own.map(({ text }) => text).join('')).toBe(output.text)
        expect(own.flatMap(({ tokenIds }) => tokenIds)).toEqual(output.tokenIds)
        expect(own.flatMap(({ logprobs = [] }) => logprobs)).toEqual(output.logprobs ?? [])
        expect(own.filter(({ finish }) => finish)).toHaveLength(1)
        expect(own.at(-1)!.finish).toMatchObject({
          reason: output.finishReason,
          stopReason: output.stopReason,
        })
      }
    }
    expect(await isQuiescent()).toBe(true)
  })

  it('ends at stop texts and stop ids', async () => {
    const whole = await first(tale)
    const cut = await first(tale, { stop: [' named'] })
    expect(cut).toMatchObject({ finishReason: 'stop', stopReason: ' named' })
    expect(cut.text).toBe(whole.text.slice(0, whole.text.indexOf(' named')))
    expect(whole.tokenIds.slice(0, cut.tokenIds.length)).toEqual(cut.tokenIds)
    const stopId = whole.tokenIds[7]!
    const at = whole.tokenIds.indexOf(stopId)
    const byId = await first(tale, { stopTokenIds: [stopId] })
    expect(byId).toMatchObject({ finishReason: 'stop', stopReason: stopId })
    expect(byId.text).toBe(llm.tokenizer.decode(whole.tokenIds.slice(0, at)))
    expect(byId.tokenIds).toEqual(whole.tokenIds.slice(0, at + 1))
  })

  it('samples by seed, and differently for each choice', async () => {
    const params = { temperature: 1.5, seed: 5n, n: 4, maxTokens: 16 }
    const [one, two] = await llm.generate([tale, tale], params)
    const texts = one!.outputs.map(({ text }) => text)
    expect(two!.outputs.map(({ text }) => text)).toEqual(texts)
    expect(new Set(texts).size).toBe(4)
    expect(one!.usage).toMatchObject({ promptTokens: 5, completionTokens: 64 })
    const alone = await first(tale, { temperature: 1.5, seed: 6, maxTokens: 16 })
    expect(alone.text).toBe(texts[1])
  })

  it('obeys bad words, bias, end ids and log-probabilities', async () => {
    const whole = await first(tale)
    const word = /\b(\w{4,})\b/.exec(whole.text)![1]!
    expect((await first(tale, { bad: word })).text).not.toContain(word)
    const [forced] = llm.tokenizer.encode(' fox', { addSpecialTokens: false })
    const biased = await first(tale, { logitBias: { [forced!]: 100 }, maxTokens: 3, logprobs: 2 })
    expect(biased.text).toBe(' fox fox fox')
    expect(biased.logprobs).toHaveLength(3)
    // The log-probabilities are the model's own: the bias has made an unlikely token win.
    const [at] = biased.logprobs!
    expect(at).toMatchObject({ id: forced, top: [{ id: whole.tokenIds[0] }, {}] })
    expect(at!.rank).toBeGreaterThan(2)
    expect(at!.logprob).toBeLessThan(at!.top[1]!.logprob)
    const { values } = await llm.score(tale)
    const row = values.subarray(values.length - 4096)
    const norm = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0))
    expect(at!.logprob).toBeCloseTo(row[forced!]! - norm, 3)
    expect(biased.cumulativeLogprob).toBeCloseTo(
      biased.logprobs!.reduce((sum, { logprob }) => sum + logprob, 0),
      9,
    )
    const chat = [{ role: 'user', content: 'What is 12 + 30?' }]
    const on = await llm.chat(chat, { ignoreEos: true, maxTokens: 10, skipSpecialTokens: false })
    expect(on.outputs[0]).toMatchObject({ finishReason: 'length' })
    expect(on.outputs[0]!.text).toContain('42<|im_end|>')
    const late = await llm.chat(chat, { minTokens: 6, maxTokens: 30 })
    expect(late.usage.completionTokens).toBeGreaterThanOrEqual(6)
  })

  it('gives the logits of a prompt, which the greedy answer follows', async () => {
    const ids = llm.tokenizer.encode(`${tale}, there was a fox who`)
    const { values, rows, vocabSize } = await llm.score(ids)
    expect([rows, vocabSize, values.length]).toEqual([ids.length, 4096, ids.length * 4096])
    const last = values.subarray((rows - 1) * vocabSize)
    const { outputs } = await llm.generate(ids, { maxTokens: 1 })
    expect(last.indexOf(Math.max(...last))).toBe(outputs[0]!.tokenIds[0])
  })

  it('gives each of many concurrent prompts what it gives it alone, while others are dropped', async () => {
    const prompts = Array.from({ length: 24 }, (_, at) => `${tale}, ${at} ${'fox and '.repeat(at)}`)
    const params = { maxTokens: 30, ignoreEos: true }
    const alone: string[] = []
    for (const prompt of prompts) alone.push((await llm.generate(prompt, params)).outputs[0]!.text)
    const dropped = prompts.slice(0, 8).map(async (prompt, at) => {
      let seen = 0
      for await (const _ of llm.generateStream(prompt, params)) if (seen++ === at) break
    })
    const together = await llm.generate(prompts, params)
    expect(together.map(({ outputs }) => outputs[0]!.text)).toEqual(alone)
    await Promise.all(dropped)
    expect(await isQuiescent()).toBe(true)
  })
})

describe('calls that end early or are wrong', () => {
  it('an aborted signal ends a call with its reason and frees the engine', async () => {
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const whole = llm.generate(
      [tale, tale],
      { maxTokens: 1500, ignoreEos: true },
      { signal: controller.signal },
    )
    const stream = llm.generateStream(
      tale,
      { maxTokens: 1500, ignoreEos: true },
      { signal: controller.signal },
    )
    await stream.next()
    controller.abort(reason)
    await expect(whole).rejects.toBe(reason)
    await expect(collect(stream)).rejects.toBe(reason)
    expect(await isQuiescent()).toBe(true)
  })

  it('a deadline ends a call', async () => {
    const late = llm.generate(tale, { maxTokens: 1900, ignoreEos: true }, { deadlineMs: 30 })
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it.each<[prompt: unknown, params: object, code: string, message: RegExp]>([
    ['', { addSpecialTokens: false }, 'invalid_request', /promptIds is empty/],
    [tale, { maxTokens: 0 }, 'out_of_range', /^maxTokens is 0, expected a whole number of at least 1/],
    [
      tale,
      { maxTokens: 2044 },
      'context_length_exceeded',
      /^maxTokens is 2044, .* 5 tokens leaves 2043 of 2048/,
    ],
    [tale, { temperature: -1 }, 'out_of_range', /^temperature is -1/],
    [tale, { topP: 2 }, 'out_of_range', /^topP is 2/],
    [tale, { logprobs: 21 }, 'out_of_range', /^logprobs is 21/],
    [tale, { seed: 0.5 }, 'out_of_range', /^seed is 0.5/],
    [Array(2048).fill(5), {}, 'context_length_exceeded', /^the prompt has 2048 tokens/],
    [[4096], {}, 'out_of_range', /^promptIds\[0\] is 4096/],
    [{ messages: [] }, { temprature: 1 }, 'invalid_request', /^temprature is no sampling parameter/],
  ])('%j with %j is refused alone', async (prompt, params, code, message) => {
    const refused = { code, message: expect.stringMatching(message) }
    await expect(llm.generate(prompt as never, params)).rejects.toMatchObject(refused)
    await expect(collect(llm.generateStream(prompt as never, params))).rejects.toMatchObject(refused)
  })

  it('one wrong prompt fails its list', async () => {
    await expect(llm.generate([tale, [99_999]])).rejects.toMatchObject({ code: 'out_of_range' })
    await expect(llm.generate([tale, tale], [{}])).rejects.toThrow('params has 1 entries for 2 prompts')
    expect(await isQuiescent()).toBe(true)
  })
})

describe('the spelling of Transformers', () => {
  it('loads, generates and decodes', async () => {
    const tokenizer = await AutoTokenizer.fromPretrained(embeddedModelPath())
    const model = await AutoModelForCausalLM.fromPretrained(embeddedModelPath(), {
      device: 'cpu',
      dtype: 'float16',
      maxBatchSize: 1,
      maxOutputLen: 16,
    })
    try {
      const inputs = tokenizer(tale)
      const outputs = await model.generate(inputs, { maxNewTokens: 8, temperature: 0.7, seed: 1 })
      expect(outputs[0]).toHaveLength(inputs.inputIds[0]!.length + 8)
      const text = tokenizer.decode(outputs[0]!, { skipSpecialTokens: true })
      expect(text.startsWith(tale)).toBe(true)
      const [greedy, again] = await model.generate(tokenizer([tale, tale]), { doSample: false })
      expect(greedy).toEqual(again)
      expect(greedy!.length).toBe(inputs.inputIds[0]!.length + 16)
      await expect(model.generate(inputs, { maxNewTokens: 17 })).rejects.toThrow('at most maxOutputLen 16')
      expect(tokenizer.applyChatTemplate([{ role: 'user', content: 'hi' }]).inputIds[0]!.slice(0, 2)).toEqual(
        [0, 2],
      )
    } finally {
      await model[Symbol.asyncDispose]()
    }
  })
})
