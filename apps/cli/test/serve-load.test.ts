import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { arrivalTimes, runLoad } from '../src/bench/serve/run-load.js'
import { serveLines, serveMetrics } from '../src/bench/serve/serve-report.js'
import { serverFlags } from '../src/bench/serve/server-process.js'
import { SseFrames } from '../src/bench/serve/sse-frames.js'

type Handler = (
  body: { prompt: number[]; max_tokens: number },
  response: ServerResponse,
  count: number,
) => void

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server that answers completions by hand. */
async function serve(handler: Handler): Promise<{ url: string; model: string }> {
  let count = 0
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => handler(JSON.parse(body), response, ++count))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, model: 'm' }
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const end = (inTokens: number, outTokens: number) =>
  `${event({ choices: [], usage: { prompt_tokens: inTokens, completion_tokens: outTokens } })}data: [DONE]\n\n`

/** Every token an event, the bytes cut wherever it pleases. */
const answer: Handler = ({ prompt, max_tokens: most }, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const all =
    Array.from({ length: most }, (_, i) => event({ choices: [{ text: `t${i}` }] })).join('') +
    end(prompt.length, most)
  for (let at = 0; at < all.length; at += 37) response.write(all.slice(at, at + 37))
  response.end()
}

const requests = (count: number, osl = 5) =>
  Array.from({ length: count }, (_, i) => ({ prompt: [i, 2, 3], outputTokens: osl }))
const signal = new AbortController().signal
const all = { concurrency: Infinity, requestRate: Infinity, signal }

describe('a load over HTTP', () => {
  it('reads every stream to its end and counts tokens and events', async () => {
    const target = await serve(answer)
    const { records, gaps } = await runLoad(target, requests(40), all)
    expect(records.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual(
      Array.from({ length: 40 }, () => [3, 5]),
    )
    // Five tokens, the usage and the end are seven events with six gaps; no more are kept than there are tokens.
    expect(gaps.length).toBe(200)
    for (const { startMs, firstMs, endMs } of records) {
      expect(firstMs).toBeGreaterThan(startMs)
      expect(endMs).toBeGreaterThanOrEqual(firstMs)
    }
    const metrics = serveMetrics({ records, gaps }, Infinity, { front: 0.002, engine: 0.001 })
    expect(metrics.request_info).toMatchObject({ num_requests: 40, avg_output_length: 5, issue_rate: null })
    expect(metrics.host).toEqual({ front_cpu_us_per_token: 10, engine_cpu_us_per_token: 5 })
    expect(serveLines(metrics)).toMatch(/\nfirst token +[\d.]+ \/ [\d.]+ \/ [\d.]+ ms/)
  })

  it('keeps no more requests open than it may', async () => {
    let [open, most] = [0, 0]
    const target = await serve((body, response, count) => {
      most = Math.max(most, ++open)
      response.on('close', () => open--)
      answer(body, response, count)
    })
    await runLoad(target, requests(20), { ...all, concurrency: 3 })
    expect(most).toBeLessThanOrEqual(3)
  })

  it.each<[string, Handler, RegExp]>([
    [
      'a refusal',
      (_, response) => void response.writeHead(503).end('{"error":{"message":"full"}}'),
      /answered 503: full/,
    ],
    [
      'an answer that is none',
      (_, response) => void response.writeHead(502).end('<html>'),
      /answered 502: <html>/,
    ],
    [
      'a stream without an end',
      (_, response) => void response.writeHead(200).end(event({ choices: [{ text: 'x' }] })),
      /ended before its answer did: .*"x"/,
    ],
    [
      'an error in a stream',
      (_, response) => void response.writeHead(200).end(event({ error: { message: 'engine died' } })),
      /engine died/,
    ],
    ['a connection that breaks', (_, response) => response.destroy(), /socket hang up/],
  ])('ends with %s', async (_, handler, message) => {
    const target = await serve((body, response, count) =>
      count === 3 ? handler(body, response, count) : answer(body, response, count),
    )
    await expect(runLoad(target, requests(10), { ...all, concurrency: 2 })).rejects.toThrow(message)
  })

  it('ends when it is asked to', async () => {
    const stop = new AbortController()
    const target = await serve((_body, response) => {
      response.writeHead(200).write(event({}))
      stop.abort(new Error('enough'))
    })
    await expect(runLoad(target, requests(4), { ...all, signal: stop.signal })).rejects.toThrow('enough')
  })
})

it('requests arrive by chance at the rate that was asked for', () => {
  const times = arrivalTimes(20_001, 50)
  expect(times[20_000]! / 1000).toBeCloseTo(400, -1.3)
  const gaps = Array.from({ length: 20_000 }, (_, i) => times[i + 1]! - times[i]!)
  // Exponential: a share of 1/e is longer than the mean.
  expect(gaps.filter((gap) => gap > 20).length / 20_000).toBeCloseTo(Math.exp(-1), 1.5)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0)
  expect([...arrivalTimes(3, Infinity)]).toEqual([0, 0, 0])
})

it('events are counted however the bytes are cut', () => {
  const bytes = Buffer.from(event({ text: 'a\n\n' }) + event({ text: 'b' }) + end(1, 2))
  for (const size of [1, 2, 3, 7, 1000]) {
    const frames = new SseFrames()
    let count = 0
    for (let at = 0; at < bytes.length; at += size) count += frames.push(bytes.subarray(at, at + size))
    expect(count).toBe(4)
  }
})

it('a server that is started is told every type of the flags', () => {
  const flags = serverFlags({ model: 'm', dtype: 'bf16', quant: 'fp8', kvCacheDtype: 'fp8' }, 7).join(' ')
  expect(flags).toMatch(/^--model m --dtype bf16 --quant fp8 --kv-cache-dtype fp8 --port 0 --max-queue 7 /)
})
