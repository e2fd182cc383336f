import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { childrenOf, type ServerProcess, startProcess } from './server-process.js'

const cpu = ['--port', '0', '--device', 'cpu']
const ask = 'Tell me a tale about a fox.'
const waitLong = { timeout: 60_000, interval: 50 }

describe('a running server', () => {
  let server: ServerProcess
  let url: string
  let model: string
  let client: OpenAI

  beforeAll(async () => {
    server = startProcess(cpu)
    url = await server.url
    client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
    model = (await client.models.list()).data[0]!.id
  })
  afterAll(async () => {
    server.child.kill('SIGKILL')
    await server.exit
  })

  const running = async () =>
    Number(
      /^trtllm_num_requests_running\S* (\d+)/m.exec(
        await (await fetch(`${url}/prometheus/metrics`)).text(),
      )![1],
    )

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
    const json = [
      '-H',
      'Content-Type: application/json',
      '-H',
      'Accept: application/json',
      '-d',
      JSON.stringify(body),
    ]
    const { stdout } = await promisify(execFile)('curl', [
      '-s',
      '-X',
      'POST',
      `${url}/v1/chat/completions`,
      ...json,
    ])
    const answer = JSON.parse(stdout)
    expect(answer.object).toBe('chat.completion')
    expect(answer.usage.completion_tokens).toBeGreaterThan(0)
    expect(answer.usage.completion_tokens).toBeLessThanOrEqual(128)
    expect(['stop', 'length']).toContain(answer.choices[0].finish_reason)
  })

  test('SDK: whole and streamed greedy chats are equal, with usage', async () => {
    const request = {
      model,
      messages: [{ role: 'user' as const, content: ask }],
      max_tokens: 48,
      temperature: 0,
    }
    const whole = await client.chat.completions.create(request)
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(whole.choices[0]!.message.content)
    expect(text.length).toBeGreaterThan(20)
    expect(usage!.completion_tokens).toBe(whole.usage!.completion_tokens)
    expect(usage!.prompt_tokens).toBe(whole.usage!.prompt_tokens)
  })

  test('completions with logprobs', async () => {
    const answer = await client.completions.create({
      model,
      prompt: 'Once upon a time',
      max_tokens: 4,
      temperature: 0,
      logprobs: 2,
    })
    const { tokens, token_logprobs: logprobs, top_logprobs: top } = answer.choices[0]!.logprobs!
    expect(tokens).toHaveLength(4)
    expect(logprobs!.every((each) => each <= 0)).toBe(true)
    expect(Object.keys(top![0]!)).toHaveLength(2)
  })

  test('tool calls come back parsed', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const answer = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      tools: [
        { type: 'function', function: { name: 'get_weather', description: 'Weather of a city', parameters } },
      ],
      temperature: 0,
      max_tokens: 96,
    })
    const [choice] = answer.choices
    if (choice!.finish_reason === 'tool_calls') {
      const [call] = choice!.message.tool_calls!
      expect(call!.type).toBe('function')
      if (call!.type === 'function') expect(() => JSON.parse(call!.function.arguments)).not.toThrow()
    } else expect(choice!.message.content).not.toContain('<tool_call>')
  })

  test('a client that leaves frees its place', async () => {
    const leave = new AbortController()
    const stream = await client.chat.completions.create(
      {
        model,
        messages: [{ role: 'user', content: ask }],
        stream: true,
        max_tokens: 1500,
        ignore_eos: true,
      } as never,
      { signal: leave.signal },
    )
    for await (const _ of stream as unknown as AsyncIterable<unknown>) {
      expect(await running()).toBe(1)
      leave.abort()
      break
    }
    await vi.waitFor(async () => expect(await running()).toBe(0), waitLong)
  })

  test('a bad request fails alone', async () => {
    const failed = client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'x' }],
      top_p: 7,
    })
    await expect(failed).rejects.toMatchObject({ status: 400, code: 'out_of_range', param: 'top_p' })
  })

  test('a killed engine fails its requests; a new one comes up under the same HTTP process', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: ask }],
      stream: true,
      max_tokens: 1500,
      ignore_eos: true,
    } as never)
    const engines = childrenOf(server.child.pid!)
    expect(engines.length).toBeGreaterThan(0)
    const consume = async () => {
      let killed = false
      for await (const _ of stream as unknown as AsyncIterable<unknown>) {
        if (!killed) for (const pid of engines) process.kill(pid, 'SIGKILL')
        killed = true
      }
    }
    await expect(consume()).rejects.toMatchObject({ code: 'engine_died' })
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), waitLong)
    const answer = await client.completions.create({ model, prompt: 'Once', max_tokens: 4 })
    expect(answer.usage!.completion_tokens).toBeGreaterThan(0)
    expect(server.child.exitCode).toBeNull()
  })

  test('SIGTERM lets a running stream finish, refuses new requests and ends with 0', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: ask }],
      stream: true,
      max_tokens: 200,
      ignore_eos: true,
    } as never)
    let finish: unknown
    let refused: Response | undefined
    for await (const chunk of stream as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) {
      if (!refused) {
        server.child.kill('SIGTERM')
        await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(503), waitLong)
        refused = await fetch(`${url}/v1/models`)
      }
      finish = chunk.choices[0]?.finish_reason ?? finish
    }
    expect(finish).toBe('length')
    expect(refused!.status).toBe(503)
    expect(refused!.headers.get('retry-after')).toBe('5')
    expect(await server.exit).toEqual({ code: 0, signal: null })
  })
})

describe('starts that fail or are special', () => {
  test('a port in use ends with 71, naming the holder', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const server = startProcess(['--port', String(port)])
    expect((await server.exit).code).toBe(71)
    holder.close()
    expect(server.output()).toContain(`Port ${port} on 127.0.0.1 is in use by process ${process.pid}`)
  })

  test.each([
    [['--max-batch-sise', '3'], 64, 'did you mean --max-batch-size?'],
    [['--tp_size', '2'], 64, '--tp-size 2 is not supported'],
    [['--host', '0.0.0.0'], 64, '--allow-unauthenticated'],
    [['--config', 'missing.yaml'], 64, '--config missing.yaml cannot be read (ENOENT).'],
    [['/nonexistent/model', ...cpu], 65, '/nonexistent/model'],
  ])('%j ends with %d', async (args, code, text) => {
    const server = startProcess(args)
    expect((await server.exit).code).toBe(code)
    expect(server.output()).toContain(text)
    expect(server.output()).not.toMatch(/\n\s+at /)
  })

  test('a file sets the name, a key guards the routes, health stays open', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'trtllm-serve-')), 'serve.yaml')
    writeFileSync(file, 'served_model_name: teller\nmax_batch_size: 2\n')
    const server = startProcess([...cpu, '--config', file], { TRTLLM_API_KEY: 'sk-e2e' })
    try {
      const url = await server.url
      expect((await fetch(`${url}/health`)).status).toBe(200)
      expect((await fetch(`${url}/v1/models`)).status).toBe(401)
      const headers = { authorization: 'Bearer sk-e2e' }
      const models = (await (await fetch(`${url}/v1/models`, { headers })).json()) as {
        data: { id: string }[]
      }
      expect(models.data[0]!.id).toBe('teller')
      expect(server.output()).not.toContain('sk-e2e')
    } finally {
      server.child.kill('SIGTERM')
    }
    expect((await server.exit).code).toBe(0)
  })
})
