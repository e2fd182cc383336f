import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { drain } from './lifecycle/drain.js'
import { Clients, endOf, quantile } from './testing/many-clients.js'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

const isSoak = process.env.TRTLLM_SOAK === '1'
const chat = '/v1/chat/completions'

let server: EchoServer
let clients: Clients
afterEach(async () => {
  clients.close()
  await server.stop()
})

async function start(options: Parameters<typeof startEchoServer>[0] = {}): Promise<void> {
  server = await startEchoServer(options)
  clients = new Clients(server.url)
}

const body = (content: string, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })
const streamed = (content: string, more: object = {}) => body(content, { stream: true, ...more })
const storyOf = (number: number, length: number) =>
  Array.from({ length }, (_, i) => `${number}:${i}`).join(' ')
const wide = { echo: { maxSeqLen: 100_000, maxBatchSize: 4096 }, maxQueue: 4096, maxQueueTokens: 1e9 }
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('draining with many streams', () => {
  const rounds = isSoak ? 100 : 4

  test(
    'drops and changes none of 256, and refuses each of those that still come',
    async () => {
      const waits: number[] = []
      for (let round = 0; round < rounds; round++) {
        await start(wide)
        const stories = Array.from({ length: 256 }, (_, i) => storyOf(i, 20 + ((i * 7) % 40)))
        const held = stories.map((story, i) => (i % 4 === 0 ? `hold ${story}` : story))
        const streams = held.map((story) => clients.post(chat, streamed(story)))
        // The signal comes while some stories are being told, others wait and some are over.
        while (server.model.seen.length < 256) await turn()
        for (let turns = (round * 7) % 24; turns > 0; turns--) await turn()
        const drained = drain(server, 30_000)
        const late = Array.from({ length: 10 }, () => clients.post(chat, streamed('late')))
        for (const { status, headers, text, firstByteMs } of await Promise.all(late)) {
          expect([status, headers['retry-after'], headers.connection]).toEqual([503, '5', 'close'])
          expect(JSON.parse(text).error.code).toBe('server_shutdown')
          waits.push(firstByteMs)
        }
        server.model.release()
        for (const [i, { broken, status, text }] of (await Promise.all(streams)).entries()) {
          expect([broken, status]).toEqual([false, 200])
          expect(endOf(text)).toEqual({ content: held[i], done: 1, errors: [] })
        }
        await drained
        expect([server.context.active.size, server.model.open.size, server.model.closed]).toEqual([
          0,
          0,
          true,
        ])
        clients.close()
      }
      expect(quantile(waits, 0.9)).toBeLessThan(100)
    },
    isSoak ? 600_000 : 60_000,
  )
})

describe('offered ten times what it can do', () => {
  const seconds = isSoak ? 30 : 3

  test(
    'it answers everyone: some well, the others with 503 and Retry-After at once, and holds no more than it may',
    async () => {
      await start({ echo: { maxBatchSize: 8 }, maxQueue: 8 })
      const before = process.memoryUsage().rss
      const refusalMs: number[] = []
      // Clients and server share a thread here: how long a refusal takes is counted from when the server has read the call.
      server.app.server.prependListener('request', (_, response: ServerResponse) => {
        const readMs = performance.now()
        response.once(
          'finish',
          () => response.statusCode !== 200 && refusalMs.push(performance.now() - readMs),
        )
      })
      let most = 0
      const all: ReturnType<Clients['post']>[] = []
      const startMs = performance.now()
      // All 16 that it holds are done every 200 ms; ten times as many are offered, in bursts.
      const service = setInterval(() => server.model.release(), 200)
      try {
        for (let burst = 0; performance.now() - startMs < seconds * 1000; burst++) {
          for (let i = 0; i < 80; i++) all.push(clients.post(chat, body(`hold ${burst}/${i}`)))
          const nextMs = startMs + (burst + 1) * 100
          while (performance.now() < nextMs) {
            most = Math.max(most, server.context.active.sequences)
            await turn()
          }
        }
        const answers = await Promise.all(all)
        const good = answers.filter(({ status }) => status === 200)
        const refused = answers.filter(({ status }) => status !== 200)
        expect(answers.filter(({ broken }) => broken)).toEqual([])
        expect(good.length).toBeGreaterThan(20 * seconds)
        expect(refused.length).toBeGreaterThan(4 * good.length)
        expect(refusalMs.length).toBe(refused.length)
        expect(quantile(refusalMs, 0.99)).toBeLessThan(50)
        for (const { status, headers, text } of refused) {
          expect(status).toBe(503)
          expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
          expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
          expect(Number.isInteger(Number(headers['retry-after']))).toBe(true)
          expect(JSON.parse(text).error.code).toBe('overloaded')
        }
        expect(most).toBe(16)
        expect(server.context.active.sequences).toBe(0)
        expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
      } finally {
        clearInterval(service)
      }
    },
    60_000 + seconds * 3000,
  )
})

describe('readers that stop reading', () => {
  const stalled = isSoak ? 500 : 30

  test('hold a bounded buffer each, are ended as slow_client, and others get all of theirs', async () => {
    const limits = { streamBufferBytes: 256 * 1024, streamStallMs: 1500 }
    await start({ ...wide, limits })
    const unread = await Promise.all(
      Array.from({ length: stalled }, (_, i) => clients.openUnread(chat, streamed(`forever ${i}`))),
    )
    let most = 0
    const watch = setInterval(() => {
      for (const response of server.context.openResponses) most = Math.max(most, response.writableLength)
    }, 5)
    const stories = Array.from({ length: stalled / 5 }, (_, i) => storyOf(i, 60))
    const answers = await Promise.all(stories.map((story) => clients.post(chat, streamed(story))))
    for (const [i, { text }] of answers.entries())
      expect(endOf(text)).toEqual({ content: stories[i], done: 1, errors: [] })
    await vi.waitFor(() => expect(server.context.active.size).toBe(0), { timeout: 60_000, interval: 50 })
    clearInterval(watch)
    await vi.waitFor(() => expect(server.model.open.size).toBe(0), { timeout: 5000 })
    expect(most).toBeGreaterThan(64 * 1024)
    expect(most).toBeLessThanOrEqual(limits.streamBufferBytes + 1024)
    const metrics = await (await fetch(`${server.url}/prometheus/metrics`)).text()
    expect(metrics).toMatch(new RegExp(`trtllm_request_error_total\\{code="slow_client",.*\\} ${stalled}\n`))
    for (const answer of unread) answer.destroy()
  }, 120_000)
})
