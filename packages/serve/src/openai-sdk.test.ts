import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

let server: EchoServer
let client: OpenAI

beforeAll(async () => {
  server = await startEchoServer({ modelNames: ['echo', '@org/echo'] })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.stop())

const user = (content: string) => [{ role: 'user' as const, content }]
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
const weatherCall = '<tool_call>{"name":"weather","arguments":{"city":"Köln"}}</tool_call>'

describe('chat', () => {
  test('answers whole, with usage', async () => {
    const answer = await client.chat.completions.create({
      model: 'echo',
      messages: user('grüß dich 你好 👋🏽'),
    })
    expect(answer.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop', logprobs: null })
    expect(answer.choices[0]!.message).toMatchObject({ role: 'assistant', content: 'grüß dich 你好 👋🏽' })
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/)
    const bytes = Buffer.byteLength('grüß dich 你好 👋🏽')
    expect(answer.usage).toMatchObject({
      prompt_tokens: bytes + 1,
      completion_tokens: bytes + 1,
      total_tokens: 2 * bytes + 2,
    })
  })

  test('streams the same text, role first, one finish, usage last', async () => {
    const stream = await client.chat.completions.create({
      model: 'echo',
      messages: user('naïve 🙂'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('naïve 🙂')
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['stop'])
    expect(chunks.at(-1)!.choices).toEqual([])
    expect(chunks.at(-1)!.usage!.completion_tokens).toBe(Buffer.byteLength('naïve 🙂') + 1)
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
  })

  test('continuous_usage_stats counts in every chunk', async () => {
    const options = { include_usage: true, continuous_usage_stats: true }
    const stream = await client.chat.completions.create({
      model: 'echo',
      messages: user('abc'),
      stream: true,
      stream_options: options,
    })
    const counts = []
    for await (const chunk of stream) counts.push(chunk.usage!.completion_tokens)
    expect(counts).toEqual([1, 1, 2, 3, 4, 4])
  })

  test('n choices, each whole', async () => {
    const answer = await client.chat.completions.create({ model: 'echo', messages: user('ab'), n: 3 })
    expect(answer.choices.map((choice) => [choice.index, choice.message.content])).toEqual([
      [0, 'ab'],
      [1, 'ab'],
      [2, 'ab'],
    ])
    expect(answer.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 9 })
  })

  test('max_tokens gives length; stop gives stop', async () => {
    const cut = await client.chat.completions.create({
      model: 'echo',
      messages: user('abcdef'),
      max_tokens: 2,
    })
    expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'ab' } })
    const stopped = await client.chat.completions.create({
      model: 'echo',
      messages: user('abcdef'),
      stop: 'd',
    })
    expect(stopped.choices[0]).toMatchObject({
      finish_reason: 'stop',
      stop_reason: 'd',
      message: { content: 'abc' },
    })
  })

  test('logprobs in OpenAI shape', async () => {
    const answer = await client.chat.completions.create({
      model: 'echo',
      messages: user('h'),
      logprobs: true,
      top_logprobs: 2,
    })
    const [first] = answer.choices[0]!.logprobs!.content!
    expect(first).toMatchObject({ token: 'h', bytes: [104], logprob: Math.log(0.5) })
    expect(first!.top_logprobs.map((entry) => entry.token)).toEqual(['h', 'i'])
    expect(answer.choices[0]!.logprobs!.content).toHaveLength(2)
  })

  test('tool calls, whole and streamed', async () => {
    const messages = user(`sure ${weatherCall}`)
    const whole = await client.chat.completions.create({ model: 'echo', messages, tools: [weather] })
    expect(whole.choices[0]!.finish_reason).toBe('tool_calls')
    expect(whole.choices[0]!.message.content).toBe('sure ')
    const [call] = whole.choices[0]!.message.tool_calls!
    expect(call).toMatchObject({
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Köln"}' },
    })
    expect(server.model.lastRender!.tools).toEqual([weather])

    const streamed = await client.chat.completions.stream({ model: 'echo', messages, tools: [weather] })
    const final = await streamed.finalChatCompletion()
    expect(final.choices[0]!.finish_reason).toBe('tool_calls')
    expect(final.choices[0]!.message.tool_calls![0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Köln"}' },
    })
  })

  test('tool_choice none keeps tools from the template and the text as it is', async () => {
    const answer = await client.chat.completions.create({
      model: 'echo',
      messages: user(weatherCall),
      tools: [weather],
      tool_choice: 'none',
    })
    expect(answer.choices[0]!.message.content).toBe(weatherCall)
    expect(server.model.lastRender!.tools).toBeUndefined()
  })

  test('a conversation with a tool result reaches the template in its form', async () => {
    await client.chat.completions.create({
      model: 'echo',
      messages: [
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'be ' },
            { type: 'text', text: 'brief' },
          ],
        },
        { role: 'user', content: 'weather?' },
        {
          role: 'assistant',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bonn"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
    })
    expect(server.model.lastRender!.messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'weather', arguments: { city: 'Bonn' } } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
    ])
  })

  test('extension fields reach the engine', async () => {
    const extensions = {
      top_k: 5,
      min_p: 0.1,
      repetition_penalty: 1.1,
      min_tokens: 1,
      stop_token_ids: [7],
      ignore_eos: true,
      skip_special_tokens: false,
      bad_words: ['x'],
      include_stop_str_in_output: true,
      truncate_prompt_tokens: 2,
    }
    const body = { model: 'echo', messages: user('abc'), seed: 42, max_completion_tokens: 3, ...extensions }
    const answer = await client.chat.completions.create({ ...body, logit_bias: { '9': -5 } })
    expect(answer.choices[0]!.message.content).toBe('bcb')
    expect(server.model.seen.at(-1)!.sampling).toEqual({
      maxTokens: 3,
      minTokens: 1,
      temperature: 1,
      topK: 5,
      minP: 0.1,
      repetitionPenalty: 1.1,
      seed: 42n,
      stopTokenIds: [7],
      includeStopStrInOutput: true,
      ignoreEos: true,
      badWords: ['x'],
      logitBias: [[9, -5]],
      skipSpecialTokens: false,
      n: 1,
    })
  })

  test('the cache salt reaches the engine from both endpoints, and is a string', async () => {
    const salt = { cache_salt: 'tenant 7' }
    const body = { model: 'echo', messages: user('abc'), ...salt }
    await client.chat.completions.create(body)
    expect(server.model.seen.at(-1)!.cacheSalt).toBe('tenant 7')
    const completion = { model: 'echo', prompt: ['a', 'b'], ...salt }
    await client.completions.create(completion)
    expect(server.model.seen.slice(-2).map(({ cacheSalt }) => cacheSalt)).toEqual(['tenant 7', 'tenant 7'])
    await client.completions.create({ model: 'echo', prompt: 'a' })
    expect(server.model.seen.at(-1)).not.toHaveProperty('cacheSalt')
    const empty = { ...body, cache_salt: '' }
    await expect(client.chat.completions.create(empty)).rejects.toMatchObject({
      status: 400,
      param: 'cache_salt',
    })
  })
})

describe('completions', () => {
  test('strings, echo and n in OpenAI order', async () => {
    const answer = await client.completions.create({ model: 'echo', prompt: ['ab', 'cd'], n: 2, echo: true })
    expect(answer.choices.map((choice) => choice.text)).toEqual(['abab', 'abab', 'cdcd', 'cdcd'])
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 12 })
    expect(answer.object).toBe('text_completion')
  })

  const [half, quarter] = [Math.log(0.5), Math.log(0.25)]

  test('log-probabilities of an echoed prompt, whole and streamed', async () => {
    const body = { model: 'echo', prompt: 'ab', echo: true, logprobs: 2, max_tokens: 1 }
    const expected = {
      tokens: ['a', 'b', 'a'],
      token_logprobs: [null, half, half],
      top_logprobs: [null, { b: half, c: quarter }, { a: half, b: quarter }],
      text_offset: [0, 1, 2],
    }
    const { choices } = await client.completions.create({ ...body, n: 2 })
    expect(choices.map(({ text, logprobs }) => [text, logprobs])).toEqual([
      ['aba', expected],
      ['aba', expected],
    ])
    const chunks = []
    for await (const chunk of await client.completions.create({ ...body, stream: true }))
      chunks.push(chunk.choices[0]!)
    expect(chunks.map(({ text, logprobs }) => [text, logprobs])).toEqual([['aba', expected]])
  })

  test("log-probabilities of the prompt in vLLM's shape, also with fewer candidates than the echo's", async () => {
    const asked = { model: 'echo', prompt_logprobs: 1, max_tokens: 1 }
    const scored = [null, { 98: { logprob: half, rank: 1, decoded_token: 'b' } }]
    const text = await client.completions.create({ ...asked, prompt: 'ab', echo: true, logprobs: 3 } as never)
    expect(text.choices[0]).toMatchObject({ prompt_logprobs: scored })
    expect(Object.keys(text.choices[0]!.logprobs!.top_logprobs![1]!)).toHaveLength(3)
    const chat = await client.chat.completions.create({ ...asked, messages: user('b') } as never)
    expect(chat).toMatchObject({ prompt_logprobs: scored })
  })

  test('as many answers made as best_of says', async () => {
    await client.completions.create({ model: 'echo', prompt: 'ab', n: 2, best_of: 5 })
    expect(server.model.seen.at(-1)!.sampling).toMatchObject({ n: 2, bestOf: 5 })
  })

  test('a beam search, which counts every beam', async () => {
    const create = (more: object) =>
      client.completions.create({ model: 'echo', prompt: 'ab', best_of: 4, ...more } as never)
    const search = { use_beam_search: true, length_penalty: 0.5, n: 2 }
    await create({ ...search, early_stopping: true })
    expect(server.model.seen.at(-1)!.sampling).toMatchObject({
      ...{ n: 2, bestOf: 4, useBeamSearch: true, lengthPenalty: 0.5, earlyStopping: 1 },
    })
    await create({ ...search, early_stopping: 2 })
    expect(server.model.seen.at(-1)!.sampling.earlyStopping).toBe(2)
    await expect(create({ ...search, prompt: Array(33).fill('x') })).rejects.toMatchObject({
      ...{ status: 400, code: 'too_many_choices' },
    })
  })

  test('token ids, one list and several', async () => {
    const one = await client.completions.create({ model: 'echo', prompt: [104, 105] })
    expect(one.choices.map((choice) => choice.text)).toEqual(['hi'])
    const two = await client.completions.create({ model: 'echo', prompt: [[104], [105]] })
    expect(two.choices.map((choice) => choice.text)).toEqual(['h', 'i'])
  })

  test('16 tokens where max_tokens is left out', async () => {
    const answer = await client.completions.create({ model: 'echo', prompt: 'x'.repeat(40) })
    expect(answer.choices[0]).toMatchObject({ text: 'x'.repeat(16), finish_reason: 'length' })
  })

  test('logprobs in the legacy shape, offsets after the echo-free prompt', async () => {
    const answer = await client.completions.create({ model: 'echo', prompt: 'ab', logprobs: 1 })
    expect(answer.choices[0]!.logprobs).toEqual({
      tokens: ['a', 'b', '<end>'],
      token_logprobs: [Math.log(0.5), Math.log(0.5), Math.log(0.5)],
      top_logprobs: [{ a: Math.log(0.5) }, { b: Math.log(0.5) }, { '<end>': Math.log(0.5) }],
      text_offset: [0, 1, 2],
    })
  })

  test('streams choices of several prompts by index', async () => {
    const stream = await client.completions.create({ model: 'echo', prompt: ['ab', 'xyz'], stream: true })
    const texts = ['', '']
    for await (const chunk of stream) for (const choice of chunk.choices) texts[choice.index] += choice.text
    expect(texts).toEqual(['ab', 'xyz'])
  })
})

describe('models and errors', () => {
  test('lists and finds models, slashes included', async () => {
    const names = []
    for await (const model of client.models.list()) names.push(model.id)
    expect(names).toEqual(['echo', '@org/echo'])
    expect((await client.models.retrieve('@org/echo')).id).toBe('@org/echo')
    await expect(client.models.retrieve('nope')).rejects.toMatchObject({ status: 404, code: 'not_found' })
  })

  test('the SDK sees typed errors with code, param and request id', async () => {
    const failed = client.chat.completions.create({ model: 'echo', messages: user('x'), temperature: 9 })
    await expect(failed).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    await failed.catch((error: InstanceType<typeof OpenAI.APIError>) => {
      expect(error).toMatchObject({
        code: 'out_of_range',
        param: 'temperature',
        type: 'invalid_request_error',
      })
      expect(error.requestID).toMatch(/^req-/)
    })
  })
})
