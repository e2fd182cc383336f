import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { gauges, idle, onCpu, type ServerProcess, startProcess } from './server-process.js'

let server: ServerProcess
let url: string
let model: string
let client: OpenAI

beforeAll(async () => {
  server = startProcess(onCpu)
  url = await server.url
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
  model = (await client.models.list()).data[0]!.id
})
afterAll(async () => await server[Symbol.asyncDispose]())

const user = (content: string) => [{ role: 'user' as const, content }]
const chat = (content: string, more: object = {}) =>
  client.chat.completions.create({
    ...{ model, messages: user(content), max_tokens: 64, temperature: 0 },
    ...more,
    stream: false,
  })
const streamChat = (content: string, more: object = {}) =>
  client.chat.completions.create({
    ...{ model, messages: user(content), max_tokens: 64, temperature: 0 },
    ...more,
    stream: true,
    stream_options: { include_usage: true },
  })

const parameters = { type: 'object', properties: { town: { type: 'string' } }, required: ['town'] }
const weather = {
  type: 'function' as const,
  function: { name: 'fetch_weather', description: 'Get the current weather in a city.', parameters },
}

test('the curl of the brief answers', async () => {
  const body = {
    model,
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: '请介绍一下TensorRT-LLM框架' },
    ],
    max_tokens: 128,
    temperature: 0.7,
  }
  const headers = ['-H', 'Content-Type: application/json', '-H', 'Accept: application/json']
  const args = ['-s', '-X', 'POST', `${url}/v1/chat/completions`, ...headers, '-d', JSON.stringify(body)]
  const { stdout } = await promisify(execFile)('curl', args)
  const answer = JSON.parse(stdout)
  expect(answer.object).toBe('chat.completion')
  expect(answer.usage.completion_tokens).toBeGreaterThan(0)
  expect(answer.usage.completion_tokens).toBeLessThanOrEqual(128)
  expect(['stop', 'length']).toContain(answer.choices[0].finish_reason)
})

describe('answers', () => {
  test('a right one, with usage and a reason', async () => {
    const answer = await chat('Add 85 and 25.')
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: '110' } })
    const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: all } = answer.usage!
    expect(prompt).toBeGreaterThan(5)
    expect(all).toBe(prompt + completion)
  })

  test('streamed and whole ones are equal, usage too', async () => {
    // The first one leaves its prompt in the cache, and usage tells of it: both that are compared find it there.
    await chat('Tell me a tale about a fox.')
    const whole = await chat('Tell me a tale about a fox.')
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    const reasons: string[] = []
    for await (const chunk of await streamChat('Tell me a tale about a fox.')) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason)
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(whole.choices[0]!.message.content)
    expect(text.length).toBeGreaterThan(20)
    expect(reasons).toEqual(['length'])
    expect(usage).toEqual(whole.usage)
    expect(usage!.completion_tokens).toBe(64)
  })

  test('n differ, a seed repeats them', async () => {
    const wanted = { n: 3, temperature: 1, seed: -7 }
    const first = await chat('Tell me a tale.', wanted)
    const texts = first.choices.map(({ message }) => message.content)
    expect(new Set(texts).size).toBe(3)
    expect(first.usage!.completion_tokens).toBe(3 * 64)
    const again = await chat('Tell me a tale.', wanted)
    expect(again.choices.map(({ message }) => message.content)).toEqual(texts)
  })

  test('a stop string ends them and is left out', async () => {
    const full = (await chat('Tell me a tale about a fox.')).choices[0]!.message.content!
    const stop = full.slice(20, 25)
    const answer = await chat('Tell me a tale about a fox.', { stop })
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: stop })
    expect(answer.choices[0]!.message.content).toBe(full.slice(0, full.indexOf(stop)))
    expect(answer.usage!.completion_tokens).toBeLessThan(64)
  })

  test('log-probabilities of a chat', async () => {
    const answer = await chat('Add 85 and 25.', { logprobs: true, top_logprobs: 2 })
    const tokens = answer.choices[0]!.logprobs!.content!
    expect(tokens).toHaveLength(answer.usage!.completion_tokens)
    for (const { token, logprob, top_logprobs: top } of tokens) {
      expect(top).toHaveLength(2)
      expect(top[0]).toMatchObject({ token, logprob })
      expect(logprob).toBeLessThanOrEqual(0)
    }
  })

  test('log-probabilities of a completion', async () => {
    const more = { max_tokens: 4, temperature: 0, logprobs: 2 }
    const answer = await client.completions.create({ model, prompt: 'Once upon a time', ...more })
    const { tokens, token_logprobs: logprobs, top_logprobs: top } = answer.choices[0]!.logprobs!
    expect(tokens!.join('')).toBe(answer.choices[0]!.text)
    expect(logprobs!.every((each) => each <= 0)).toBe(true)
    expect(Object.keys(top![0]!)).toHaveLength(2)
  })

  test('to several prompts come in their order', async () => {
    const prompt = ['The cat', 'The dog', 'The cat']
    const answer = await client.completions.create({
      model,
      prompt,
      max_tokens: 8,
      temperature: 0,
      echo: true,
    })
    const texts = answer.choices.map(({ text }) => text)
    expect(texts.map((text) => text.slice(0, 7))).toEqual(prompt)
    expect(texts[0]).toBe(texts[2])
  })
})

describe('tools', () => {
  const question = 'Tell me the weather in Vienna.'

  test('a call comes back parsed', async () => {
    const { choices } = await chat(question, { tools: [weather] })
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    const [call] = choices[0]!.message.tool_calls!
    expect(call).toMatchObject({ type: 'function', function: { name: 'fetch_weather' } })
    expect(call!.type === 'function' && JSON.parse(call!.function.arguments)).toEqual({ town: 'Vienna' })
  })

  test('a streamed call has its id and name once and its arguments in pieces', async () => {
    const heads: unknown[] = []
    let text = ''
    let reason: string | null | undefined
    for await (const { choices } of await streamChat(question, { tools: [weather] })) {
      for (const { id, function: called } of choices[0]?.delta.tool_calls ?? []) {
        if (id !== undefined) heads.push(called!.name)
        text += called?.arguments ?? ''
      }
      reason = choices[0]?.finish_reason ?? reason
    }
    expect(heads).toEqual(['fetch_weather'])
    expect(JSON.parse(text)).toEqual({ town: 'Vienna' })
    expect(reason).toBe('tool_calls')
  })

  test('none are called where tool_choice says so', async () => {
    const { choices } = await chat(question, { tools: [weather], tool_choice: 'none' })
    expect(choices[0]!.message.tool_calls).toBeUndefined()
  })
})

describe('the server', () => {
  test('accepts the ends of every range', async () => {
    const ends: object[] = [
      { temperature: 2, top_p: 0, min_p: 1, top_k: 2 ** 31 - 1 },
      { temperature: 0, top_p: 1, min_p: 0, top_k: -1, repetition_penalty: 0.01 },
      { repetition_penalty: 100, presence_penalty: -2, frequency_penalty: 2 },
      { seed: Number.MIN_SAFE_INTEGER, min_tokens: 8, ignore_eos: true },
      { seed: Number.MAX_SAFE_INTEGER, logprobs: true, top_logprobs: 20 },
      { stop: Array.from({ length: 16 }, (_, at) => `${at}`.repeat(128)) },
      { stop_token_ids: Array.from({ length: 60 }, (_, at) => at + 1000) },
      { bad_words: Array.from({ length: 100 }, (_, at) => `word${at}`) },
      { logit_bias: Object.fromEntries(Array.from({ length: 1024 }, (_, at) => [at, at % 2 ? 100 : -100])) },
      { n: 128, max_tokens: 1, temperature: 1 },
    ]
    for (const more of ends) {
      const answer = await chat('Hello.', { max_tokens: 8, ...more })
      expect(answer.usage!.completion_tokens).toBeGreaterThan(0)
    }
  })

  test('tells of its engine under TensorRT-LLM’s keys', async () => {
    await fetch(`${url}/metrics`)
    await chat('Hello.', { max_tokens: 3 })
    const iterations = (await (await fetch(`${url}/metrics`)).json()) as Record<string, unknown>[]
    expect(iterations.length).toBeGreaterThanOrEqual(3)
    expect(iterations[0]).toMatchObject({
      numActiveRequests: 1,
      kvCacheStats: { tokensPerBlock: 32 },
      inflightBatchingStats: { numContextRequests: 1 },
    })
    await vi.waitFor(async () => expect(await gauges(url)).toMatchObject(idle))
  })
})
