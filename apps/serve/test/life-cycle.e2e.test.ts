import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { engineOf, gauges, idle, isRunning, onCpu, startProcess } from './server-process.js'

const patience = { timeout: 20_000, interval: 20 }
const json = { 'content-type': 'application/json' }
const endless = { prompt: 'Once upon a time', max_tokens: 2000, ignore_eos: true, temperature: 0 }

const complete = (url: string, body: object, signal?: AbortSignal) =>
  fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

/** Opens a long stream and resolves when its first frame is there; `rest` is all of it, when it has ended. */
async function openStream(url: string, body: object = endless) {
  const leave = new AbortController()
  const response = await complete(url, { ...body, stream: true }, leave.signal)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = (await reader.read()).value ?? ''
  const rest = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
    return text
  })()
  rest.catch(() => {})
  return { rest, leave: () => leave.abort() }
}

/** Frames of a stream, as objects; `[DONE]` stays text. */
const frames = (text: string): unknown[] =>
  text
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => frame.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)))

const status = async (url: string) => (await fetch(url)).status
const becomesIdle = (url: string) =>
  vi.waitFor(async () => expect(await gauges(url)).toMatchObject(idle), patience)

test('clients that leave free their rows and pages', async () => {
  await using server = startProcess([...onCpu, '--max-batch-size', '4'])
  const url = await server.url
  const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(url)))
  const waiting = new AbortController()
  const queued = complete(url, endless, waiting.signal).catch((error: Error) => error.name)
  await vi.waitFor(async () => expect((await gauges(url)).num_requests_waiting).toBe(1), patience)
  expect((await gauges(url)).kv_cache_used_blocks).toBeGreaterThan(0)
  for (const { leave } of streams) leave()
  waiting.abort()
  expect(await queued).toBe('AbortError')
  await becomesIdle(url)
  expect(await gauges(url)).toMatchObject({ request_error_total: 5 })
})

test('a full queue answers 503 with Retry-After at once', async () => {
  await using server = startProcess([...onCpu, '--max-batch-size', '1', '--max-queue', '1'])
  const url = await server.url
  const streams = [await openStream(url)]
  const queued = openStream(url)
  await vi.waitFor(async () => expect((await gauges(url)).num_requests_waiting).toBe(1), patience)
  const refused = await complete(url, endless)
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await refused.json()).toMatchObject({ error: { code: 'overloaded' } })
  streams[0]!.leave()
  ;(await queued).leave()
})

describe('a killed engine', () => {
  test('fails its requests; a new one comes up under the same HTTP process', async () => {
    await using server = startProcess(onCpu)
    const url = await server.url
    const stream = await openStream(url)
    const whole = complete(url, endless)
    await vi.waitFor(async () => expect((await gauges(url)).num_requests_running).toBe(2), patience)
    const first = engineOf(server)
    const killedMs = performance.now()
    process.kill(first, 'SIGKILL')
    expect(frames(await stream.rest).at(-1)).toMatchObject({ error: { code: 'engine_died' } })
    const answer = await whole
    expect(performance.now() - killedMs).toBeLessThan(2000)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(await answer.json()).toMatchObject({ error: { code: 'engine_died' } })
    expect(await status(`${url}/health/live`)).toBe(200)
    await vi.waitFor(async () => expect(await status(`${url}/health/ready`)).toBe(200), patience)
    expect(engineOf(server)).not.toBe(first)
    expect((await complete(url, { prompt: 'Once', max_tokens: 4 })).status).toBe(200)
    expect(await gauges(url)).toMatchObject({ engine_deaths_total: 1 })
  })

  test('again and again ends the server with 70, and leaves no process', async () => {
    await using server = startProcess(onCpu)
    const url = await server.url
    const engines = new Set<number>()
    for (let death = 1; death <= 4; death++) {
      await vi.waitFor(() => expect(engines).not.toContain(engineOf(server)), patience)
      await vi.waitFor(async () => expect(await status(`${url}/health/ready`)).toBe(200), patience)
      engines.add(engineOf(server))
      process.kill(engineOf(server), 'SIGKILL')
    }
    expect(await server.exit).toEqual({ code: 70, signal: null })
    expect(server.output()).toContain('the engine died too often; giving up')
    expect([engines.size, [...engines].filter(isRunning)]).toEqual([4, []])
  })

  test('that only hangs is found: not ready, then replaced', async () => {
    await using server = startProcess(onCpu)
    const url = await server.url
    const stream = await openStream(url)
    const engine = engineOf(server)
    process.kill(engine, 'SIGSTOP')
    await vi.waitFor(async () => expect(await status(`${url}/health/ready`)).toBe(503), patience)
    expect(frames(await stream.rest).at(-1)).toMatchObject({ error: { code: 'engine_stalled' } })
    await vi.waitFor(async () => expect(await status(`${url}/health/ready`)).toBe(200), patience)
    expect(isRunning(engine)).toBe(false)
  })
})

describe('a killed server', () => {
  test.each(['idle', 'at work'])('leaves no engine behind when %s', async (state) => {
    await using server = startProcess(onCpu)
    const url = await server.url
    if (state === 'at work') await openStream(url)
    const engine = engineOf(server)
    server.child.kill('SIGKILL')
    expect(await server.exit).toEqual({ code: null, signal: 'SIGKILL' })
    await vi.waitFor(() => expect(isRunning(engine)).toBe(false), { timeout: 5000, interval: 20 })
  })
})

describe('SIGTERM', () => {
  test('lets running streams finish, refuses new requests and ends with 0', async () => {
    await using server = startProcess(onCpu)
    const url = await server.url
    const streams = await Promise.all(Array.from({ length: 3 }, () => openStream(url)))
    const engine = engineOf(server)
    server.child.kill('SIGTERM')
    await vi.waitFor(async () => expect(await status(`${url}/health/ready`)).toBe(503), patience)
    const refused = await complete(url, endless)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.json()).toMatchObject({ error: { code: 'server_shutdown' } })
    for (const { rest } of streams) {
      const all = frames(await rest)
      expect(all.at(-1)).toBe('[DONE]')
      expect(all.at(-2)).toMatchObject({ choices: [{ finish_reason: 'length' }] })
    }
    expect(await server.exit).toEqual({ code: 0, signal: null })
    expect(isRunning(engine)).toBe(false)
  })

  test('twice ends what runs with server_shutdown within two seconds', async () => {
    await using server = startProcess(onCpu)
    const stream = await openStream(await server.url)
    server.child.kill('SIGTERM')
    await vi.waitFor(() => expect(server.output()).toContain('stopping: 1 requests'), patience)
    const hurriedMs = performance.now()
    server.child.kill('SIGTERM')
    expect(frames(await stream.rest).at(-1)).toMatchObject({ error: { code: 'server_shutdown' } })
    expect(await server.exit).toEqual({ code: 0, signal: null })
    expect(performance.now() - hurriedMs).toBeLessThan(2000)
  })
})

describe('where it listens', () => {
  test('a port in use ends with 71, naming the holder', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    await using server = startProcess(['--port', String(port)])
    expect((await server.exit).code).toBe(71)
    holder.close()
    expect(server.output()).toContain(`Port ${port} on 127.0.0.1 is in use by process ${process.pid}`)
  })

  test('only on loopback unless told otherwise', async () => {
    await using server = startProcess(onCpu)
    const { port } = new URL(await server.url)
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    for (const { address, internal, family } of others)
      if (!internal && family === 'IPv4')
        await expect(fetch(`http://${address}:${port}/health`)).rejects.toThrow()
  })

  test('on every address with a key, which guards all routes but health', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trtllm-serve-'))
    const file = join(folder, 'serve.yaml')
    writeFileSync(file, 'served_model_name: teller\nmax_batch_size: 2\nhost: 0.0.0.0\n')
    await using server = startProcess([...onCpu, '--config', file], { TRTLLM_API_KEY: 'sk-e2e' })
    const url = await server.url
    expect(await status(`${url}/health`)).toBe(200)
    for (const route of ['v1/models', 'metrics', 'prometheus/metrics', 'version'])
      expect(await status(`${url}/${route}`)).toBe(401)
    const headers = { authorization: 'Bearer sk-e2e' }
    const models = await (await fetch(`${url}/v1/models`, { headers })).json()
    expect(models).toMatchObject({ data: [{ id: 'teller' }, { id: '@trtllm/tales' }] })
    server.child.kill('SIGTERM')
    expect((await server.exit).code).toBe(0)
    expect(server.output()).not.toContain('sk-e2e')
    rmSync(folder, { recursive: true })
  })
})
