import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EchoModel } from '@trtllm/serve/testing'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { exitCodeFor, runServer } from './run-server.js'
import { type ServeOptions, serveOptions } from './serve-options.js'

/** runServer over echo models, as a process would run it. */
function start(
  more: Partial<ServeOptions> = {},
  load: () => Promise<EchoModel> = async () => new EchoModel(),
) {
  const signals = new EventEmitter()
  const models: EchoModel[] = []
  let said = ''
  const say = (text: string) => {
    said += text
  }
  const options = { ...serveOptions(undefined, { port: 0 }, {}, {}), ...more }
  const loader = async () => {
    const model = await load()
    models.push(model)
    return model
  }
  const log = pino({ level: 'silent' })
  const code = runServer(options, loader, { version: '1', log, signals, say })
  const url = vi.waitFor(() => /on (http:\S+)/.exec(said)![1]!)
  return { signals, models, code, url, said: () => said }
}

const chat = (url: string, content: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
  })

describe('the life of the server process', () => {
  test('says URL and curl, serves, and ends with 0 on SIGTERM', async () => {
    const run = start()
    const url = await run.url
    expect(run.said()).toContain(`Serving echo on ${url}`)
    expect(run.said()).toContain(`curl ${url}/v1/chat/completions`)
    expect((await chat(url, 'hi')).status).toBe(200)
    run.signals.emit('SIGTERM')
    expect(await run.code).toBe(0)
    expect(run.models[0]!.closed).toBe(true)
    expect(run.signals.listenerCount('SIGTERM')).toBe(0)
  })

  test('SIGTERM lets a running request finish', async () => {
    const run = start()
    const answer = run.url.then((url) => chat(url, 'hold it'))
    await run.url
    await vi.waitFor(() => expect(run.models[0]!.open.size).toBe(1))
    run.signals.emit('SIGTERM')
    run.models[0]!.release()
    expect((await answer).status).toBe(200)
    expect(await run.code).toBe(0)
  })

  test('a second SIGTERM ends the rest with server_shutdown', async () => {
    const run = start()
    const answer = run.url.then((url) => chat(url, 'hold it'))
    await run.url
    await vi.waitFor(() => expect(run.models[0]!.open.size).toBe(1))
    run.signals.emit('SIGTERM')
    run.signals.emit('SIGTERM')
    expect(await (await answer).json()).toMatchObject({ error: { code: 'server_shutdown' } })
    expect(await run.code).toBe(0)
  })

  test('one Ctrl-C that comes twice, from the terminal and from npm, drains', async () => {
    const run = start()
    const answer = run.url.then((url) => chat(url, 'hold it'))
    await run.url
    await vi.waitFor(() => expect(run.models[0]!.open.size).toBe(1))
    run.signals.emit('SIGINT', 'SIGINT')
    run.signals.emit('SIGINT', 'SIGINT')
    run.models[0]!.release()
    expect((await answer).status).toBe(200)
    expect(await run.code).toBe(0)
  })

  test('SIGTERM while the model loads ends with 0', async () => {
    let loading = () => {}
    const begun = new Promise<void>((resolve) => {
      loading = resolve
    })
    const run = start({}, () => {
      loading()
      return new Promise(() => {})
    })
    await begun
    run.signals.emit('SIGTERM')
    expect(await run.code).toBe(0)
  })

  test('a spent fault budget ends with 70, one death does not', async () => {
    const run = start()
    const url = await run.url
    const [model] = run.models
    model!.die()
    model!.restart()
    expect((await chat(url, 'alive')).status).toBe(200)
    model!.die({ fatal: true })
    expect(await run.code).toBe(70)
    expect(model!.closed).toBe(true)
  })

  test('a port in use is refused before the model is loaded, with holder and next port', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const run = start({ port })
    run.url.catch(() => {})
    const error = await run.code.then(
      () => undefined,
      (reason: Error) => reason,
    )
    holder.close()
    expect(error!.message).toMatch(
      new RegExp(`^Port ${port} on 127.0.0.1 is in use by process ${process.pid} \\(`),
    )
    expect(error!.message).toMatch(/port \d+ is free: use --port \d+\.$/)
    expect(exitCodeFor(error)).toBe(71)
    expect(run.models).toHaveLength(0)
  })

  test('an address of another machine is refused with 64', async () => {
    const run = start({ host: '192.0.2.1' })
    run.url.catch(() => {})
    const error = await run.code.then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error!.message).toBe(
      '--host 192.0.2.1 is not an address of this machine; use 127.0.0.1 or 0.0.0.0.',
    )
    expect(exitCodeFor(error)).toBe(64)
  })

  test('the load’s own error and exit code come through', async () => {
    const run = start({}, async () => {
      throw Object.assign(new Error('shard 2 is missing'), { exitCode: 65 })
    })
    run.url.catch(() => {})
    await expect(run.code).rejects.toThrow('shard 2 is missing')
    await run.code.catch((error: unknown) => expect(exitCodeFor(error)).toBe(65))
  })
})
