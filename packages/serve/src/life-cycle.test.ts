import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { drain } from './lifecycle/drain.js'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

let server: EchoServer
afterEach(() => server.stop())

const chat = '/v1/chat/completions'
const body = (content: string, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })

/** Starts a streamed chat and gives back its open answer once the first event is there. */
async function openStream(content: string): Promise<{ answer: IncomingMessage; rest: Promise<string> }> {
  const sent = httpRequest(server.url + chat, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  sent.end(JSON.stringify(body(content, { stream: true })))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.setEncoding('utf8')
  let text = ''
  const rest = new Promise<string>((resolve) => {
    answer.on('data', (part) => (text += part))
    answer.on('close', () => resolve(text))
    answer.on('error', () => {})
  })
  await vi.waitFor(() => expect(text).toContain('"role":"assistant"'))
  return { answer, rest }
}

const events = (text: string) => text.split('\n\n').filter(Boolean)
const quiet = () =>
  vi.waitFor(() => expect([server.context.active.size, server.model.open.size]).toEqual([0, 0]))

describe('a client that leaves', () => {
  test('cancels its stream at once', async () => {
    server = await startEchoServer()
    const { answer } = await openStream('hold on')
    const cancelled = once(server.model, 'cancelled')
    answer.destroy()
    await cancelled
    await quiet()
  })

  test('cancels a whole answer at once', async () => {
    server = await startEchoServer()
    const started = once(server.model, 'started')
    const leave = new AbortController()
    const sent = fetch(server.url + chat, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body('hold on')),
      signal: leave.signal,
    })
    await started
    const cancelled = once(server.model, 'cancelled')
    leave.abort()
    await expect(sent).rejects.toThrow()
    await cancelled
    await quiet()
  })
})

test('two live requests may carry the same X-Request-Id', async () => {
  server = await startEchoServer()
  const headers = { 'x-request-id': 'mine' }
  const both = [server.post(chat, body('hold a'), headers), server.post(chat, body('hold b'), headers)]
  await vi.waitFor(() => expect(server.model.open.size).toBe(2))
  server.model.release()
  for (const { response } of await Promise.all(both)) {
    expect(response.status).toBe(200)
    expect(response.headers.get('x-request-id')).toBe('mine')
  }
})

describe('a full queue', () => {
  test('refuses with 503 and Retry-After, then serves again', async () => {
    server = await startEchoServer({ echo: { maxBatchSize: 1 }, maxQueue: 1 })
    const streams = [await openStream('hold a'), await openStream('hold b')]
    const { response, text } = await server.post(chat, body('x'))
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(JSON.parse(text).error).toMatchObject({
      code: 'overloaded',
      type: 'overloaded_error',
      message:
        'The server is at capacity: 2 sequences run or wait and the server holds 2; this request needs 1.',
    })
    server.model.release()
    for (const stream of streams) expect(events(await stream.rest).at(-1)).toBe('data: [DONE]')
    expect((await server.post(chat, body('x'))).response.status).toBe(200)
  })

  test('counts waiting prompt tokens too, but lets one large prompt alone', async () => {
    server = await startEchoServer({ maxQueueTokens: 10 })
    server.context.active.admit('waiting', 1, 9, { maxBatchSize: 8, maxQueue: 8, maxQueueTokens: 10 })
    const { response, text } = await server.post(chat, body('four'))
    expect(response.status).toBe(503)
    expect(JSON.parse(text).error.message).toContain('9 prompt tokens wait and the queue holds 10')
  })
})

describe('deadlines', () => {
  test.each([
    ['the timeout field', { timeout: 0.02 }, {}],
    ['the header', {}, { 'x-request-timeout-ms': '20' }],
  ])('%s ends a request with 504', async (_what, field, headers) => {
    server = await startEchoServer()
    const { response, text } = await server.post(chat, body('hold', field), headers)
    expect(response.status).toBe(504)
    expect(JSON.parse(text).error.code).toBe('deadline_exceeded')
    await quiet()
  })

  test('a started stream ends with one error event and no [DONE]', async () => {
    server = await startEchoServer()
    const { response, text } = await server.post(chat, body('hold', { stream: true, timeout: 0.05 }))
    expect(response.status).toBe(200)
    expect(text).not.toContain('[DONE]')
    expect(JSON.parse(events(text).at(-1)!.slice('data: '.length)).error.code).toBe('deadline_exceeded')
  })
})

test('a stream that fails after a delta without text is a plain error', async () => {
  server = await startEchoServer()
  // The prompt's tokens are told first, one delta each, and make no event before the answer begins.
  const asked = { prompt: 'fault', echo: true, logprobs: 1, stream: true }
  const { response, text } = await server.post('/v1/completions', asked)
  expect(response.status).toBe(500)
  expect(response.headers.get('content-type')).toContain('application/json')
  expect(JSON.parse(text).error.code).toBe('internal')
  await quiet()
})

describe('a slow reader', () => {
  test('holds at most the buffer, stops its own tokens and is ended as slow_client', async () => {
    server = await startEchoServer({ limits: { streamBufferBytes: 64 * 1024, streamStallMs: 300 } })
    const payload = JSON.stringify(body('forever young', { stream: true }))
    const socket: Socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {}).pause()
    const [accepted] = (await Promise.all([
      once(server.app.server, 'connection').then(([peer]) => peer as Socket),
      once(socket, 'connect'),
    ])) as [Socket, unknown]
    const head = `POST ${chat} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, accepted.writableLength)
    }, 5)
    socket.write(`${head}Content-Length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`)
    const other = await server.post(chat, body('quick'))
    expect(other.response.status).toBe(200)
    await once(server.model, 'cancelled')
    await once(accepted, 'close')
    clearInterval(watch)
    socket.destroy()
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(66 * 1024)
    expect(await (await fetch(`${server.url}/prometheus/metrics`)).text()).toMatch(
      /trtllm_request_error_total\{code="slow_client",.*\} 1/,
    )
    await quiet()
  })
})

describe('draining', () => {
  test('finishes what runs, refuses what comes, keeps liveness and drops readiness', async () => {
    server = await startEchoServer()
    const stream = await openStream('hold the line')
    const drained = drain(server, 30_000)
    const { response, text } = await server.post(chat, body('late'))
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(response.headers.get('connection')).toBe('close')
    expect(JSON.parse(text).error.code).toBe('server_shutdown')
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
    server.model.release()
    const all = events(await stream.rest)
    expect(all.at(-1)).toBe('data: [DONE]')
    await drained
    expect(server.model.closed).toBe(true)
    await expect(fetch(`${server.url}/health`)).rejects.toThrow()
  })

  test('a reader who is slow with the last bytes still gets all of them', async () => {
    server = await startEchoServer({ echo: { maxSeqLen: 100_000 }, limits: { streamBufferBytes: 1e9 } })
    const sent = httpRequest(server.url + chat, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    sent.end(JSON.stringify(body('x'.repeat(20_000), { stream: true })))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    await vi.waitFor(() => expect(server.context.active.size).toBe(0))
    const drained = drain(server, 30_000)
    let text = ''
    for await (const part of answer.setEncoding('utf8')) text += part
    expect(events(text).at(-1)).toBe('data: [DONE]')
    expect(text.match(/"content":"x"/g)).toHaveLength(20_000)
    await drained
  })

  test.each(['deadline', 'second signal'])('the %s ends the rest with server_shutdown', async (what) => {
    server = await startEchoServer()
    const stream = await openStream('hold for ever')
    const hurry = new AbortController()
    const drained = drain(server, what === 'deadline' ? 0 : 30_000, hurry.signal)
    if (what === 'second signal') hurry.abort()
    const last = events(await stream.rest).at(-1)!
    expect(JSON.parse(last.slice('data: '.length)).error.code).toBe('server_shutdown')
    await drained
  })
})

describe('the death of the engine', () => {
  test('fails its requests, keeps HTTP, drops readiness until a new engine is up', async () => {
    server = await startEchoServer()
    const stream = await openStream('hold')
    const started = once(server.model, 'started')
    const whole = server.post(chat, body('hold'))
    await started
    server.model.die()
    const last = events(await stream.rest).at(-1)!
    expect(JSON.parse(last.slice('data: '.length)).error).toMatchObject({
      code: 'engine_died',
      type: 'server_error',
    })
    const failed = await whole
    expect(failed.response.status).toBe(503)
    expect(JSON.parse(failed.text).error.code).toBe('engine_died')

    const between = await server.post(chat, body('x'))
    expect(between.response.status).toBe(503)
    expect(between.response.headers.get('retry-after')).toBe('2')
    expect(JSON.parse(between.text).error.code).toBe('engine_died')
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(200)

    server.model.restart()
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    expect((await server.post(chat, body('again'))).text).toContain('again')
  })

  test('a death without a successor fails its requests too', async () => {
    server = await startEchoServer()
    const stream = await openStream('hold')
    server.model.die({ fatal: true })
    expect(events(await stream.rest).at(-1)).toContain('"code":"engine_died"')
  })
})

describe('health and metrics', () => {
  test('a silent engine with work is not ready', async () => {
    server = await startEchoServer()
    server.model.state = 'stalled'
    const response = await fetch(`${server.url}/health/ready`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'engine_stalled' } })
  })

  test('/metrics drains iterations; /prometheus/metrics only looks', async () => {
    server = await startEchoServer()
    await server.post(chat, body('abc'))
    const prometheus = await (await fetch(`${server.url}/prometheus/metrics`)).text()
    for (const line of [
      'trtllm_request_success_total{finished_reason="stop",model_name="echo",engine_type="trtllm"} 1',
      'trtllm_prompt_tokens_total{model_name="echo",engine_type="trtllm"} 4',
      'trtllm_generation_tokens_total{model_name="echo",engine_type="trtllm"} 4',
      'trtllm_kv_cache_utilization{model_name="echo",engine_type="trtllm"} 0.25',
      'trtllm_engine_quiescent{model_name="echo",engine_type="trtllm"} 1',
      'trtllm_request_queue_time_seconds_sum{model_name="echo",engine_type="trtllm"} 2',
      'trtllm_time_to_first_token_seconds_count{model_name="echo",engine_type="trtllm"} 1',
      'trtllm_e2e_request_latency_seconds_count{model_name="echo",engine_type="trtllm"} 1',
      'trtllm_time_per_output_token_seconds_count{model_name="echo",engine_type="trtllm"} 1',
      'trtllm_num_requests_running{model_name="echo",engine_type="trtllm"} 0',
    ])
      expect(prometheus).toContain(line)
    const drained = (await (await fetch(`${server.url}/metrics`)).json()) as { iter: number }[]
    expect(drained.map(({ iter }) => iter)).toEqual([1, 2, 3, 4])
    expect(await (await fetch(`${server.url}/metrics`)).json()).toEqual([])
  })

  test('/version says the version', async () => {
    server = await startEchoServer()
    expect(await (await fetch(`${server.url}/version`)).json()).toEqual({ version: '0.0.0-test' })
  })
})
