import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { ApiError } from '../errors/api-error.js'
import type { ChunkFormat } from '../protocol/answer-format.js'
import { CompletionChunks } from '../protocol/completion-output.js'
import { EchoModel } from '../testing/echo-model.js'
import { EventStream } from './event-stream.js'
import { EventWriter } from './event-writer.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const delta = (text: string) => ({ index: 0, text, tokenIds: [1] })
const signal = new AbortController().signal

const chunks = (): ChunkFormat =>
  new CompletionChunks(
    { id: 'c', created: 1, model: 'm' },
    {
      ...{ model: new EchoModel(), echoes: [''], logprobs: undefined, promptLogprobs: undefined },
      ...{ echoesLogprobs: false, promptIds: [[]], choicesOfPrompt: 1 },
    },
  )

/** A server that writes `texts` to whoever asks, and a client that has not begun to read. */
async function open(texts: readonly string[], streamStallMs: number, isEndless = false, format = chunks()) {
  const stalls: ApiError[] = []
  const failures: unknown[] = []
  let finished: (() => void) | undefined
  const written = new Promise<void>((resolve) => (finished = resolve))
  const server = createServer((_, response) => {
    const limits = { streamBufferBytes: 4096, streamStallMs }
    const headers = { 'content-type': 'text/event-stream' }
    const end = new AbortController()
    const stream = new EventStream(response, headers, limits, (error) => {
      stalls.push(error)
      end.abort(error)
    })
    const fail = (error: unknown) => {
      failures.push(error)
      end.abort(error)
    }
    const writer = new EventWriter(stream, format, () => undefined, fail)
    for (const text of texts) writer.push(0, delta(text))
    const again = () => {
      if (end.signal.aborted) return finished!()
      for (const text of texts) writer.push(0, delta(text))
      setImmediate(again)
    }
    if (isEndless) return again()
    void writer.drained(AbortSignal.any([signal, end.signal])).then(() => {
      stream.done()
      finished!()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  closers.push(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { client, written, stalls, failures }
}

/** The texts of the events, once `[DONE]` has come. */
async function read(client: Socket): Promise<string[]> {
  let bytes = ''
  client.setEncoding('utf8')
  for await (const part of client) {
    bytes += part
    if (bytes.includes('[DONE]')) break
  }
  const events = bytes.split('\n').filter((line) => line.startsWith('data: {'))
  return events.map((line) => (JSON.parse(line.slice(6)) as { choices: [{ text: string }] }).choices[0].text)
}

it('a reader that keeps up gets every delta as an event of its own', async () => {
  const texts = ['a', 'ü', '€', '👍', '\n\n"']
  const { client } = await open(texts, 10_000)
  expect(await read(client)).toEqual(texts)
})

it('a reader that was behind gets the rest as one event, and nothing is lost', async () => {
  const texts = Array.from({ length: 2000 }, (_, i) => `${i} ${'x'.repeat(4000)}`)
  const { client, stalls } = await open(texts, 10_000)
  const found = await read(client)
  expect(found.join('')).toBe(texts.join(''))
  expect(found.length).toBeLessThan(texts.length / 2)
  expect(stalls).toEqual([])
})

it('a reader that takes nothing of an answer that goes on is given up', async () => {
  const { written, stalls } = await open(['x'.repeat(4000)], 50, true)
  await written
  expect(stalls.map(({ code }) => code)).toEqual(['slow_client'])
})

it('a format that throws while a reader catches up fails that call, not the server', async () => {
  const whole = chunks()
  const format: ChunkFormat = {
    usageChunk: (usage) => whole.usageChunk(usage),
    push(choice, one, usage) {
      if (one.tokenIds.length > 1) throw new Error('no two at once')
      return whole.push(choice, one, usage)
    },
  }
  const texts = Array.from({ length: 2000 }, () => 'x'.repeat(4000))
  const { client, written, failures } = await open(texts, 10_000, false, format)
  client.resume()
  await written
  expect(failures).toEqual([new Error('no two at once')])
})
