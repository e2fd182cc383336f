import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineClient } from '../src/engine-client.js'
import { Supervisor } from '../src/supervisor.js'
import { fakeModel } from '../src/testing/fake-model.js'
import { collect } from '../src/testing/hosted-fake.js'
import { referenceStream } from '../src/testing/reference-stream.js'
import type { FakeEngineConfig } from './fake-engine.js'

let folder: string
let enginePath: string
let serverPath: string

/** Threads and processes of Node need JavaScript: the fixtures are bundled once. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runtime-transports-'))
  enginePath = join(folder, 'fake-engine.mjs')
  serverPath = join(folder, 'fake-server.mjs')
  await build({
    config: false,
    silent: true,
    entry: ['fake-engine', 'fake-server'].map((name) =>
      fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
    ),
    outDir: folder,
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    splitting: false,
    noExternal: [/@trtllm/],
    esbuildOptions: (options) => {
      options.conditions = ['source']
    },
  })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const prompt = (id: string, fields = {}) => ({
  id,
  promptIds: Int32Array.of(4, 5, 6),
  seed: 3,
  maxTokens: 40,
  ignoreEos: true,
  ...fields,
})

const starts = {
  'a worker thread': (config: FakeEngineConfig) => EngineClient.overWorker(enginePath, config),
  'a child process': (config: FakeEngineConfig) => EngineClient.overChildProcess(enginePath, config),
}

describe.each(Object.entries(starts))('an engine in %s', (_, start) => {
  it('streams exactly, many at once, and ends when closed', async () => {
    const client = start({})
    const requests = Array.from({ length: 12 }, (_, i) => prompt(`r${i}`, { seed: i, logprobs: 1 }))
    const streams = await Promise.all(requests.map((request) => collect(client, request)))
    for (const [i, outputs] of streams.entries()) {
      expect(outputs.flatMap(({ tokens }) => [...tokens])).toEqual(
        referenceStream(requests[i]!, fakeModel()).tokens,
      )
      expect(outputs[0]?.logprobs?.[0]?.topLogprobs).toBeInstanceOf(Float32Array)
    }
    const { gauges } = await client.stats()
    expect(gauges.quiescent).toBe(true)
    const exit = once(client, 'exit')
    await client.close({ drain: true })
    expect((await exit)[0]).toMatchObject({ exitCode: 0 })
  })

  it('hears a cancel while it computes without pause', async () => {
    const client = start({ maxSeqLen: 4096 })
    const cancel = () => client.cancel('long')
    const outputs = await collect(client, prompt('long', { maxTokens: 4000 }), cancel)
    expect(outputs.at(-1)?.finish?.reason).toBe('cancelled')
    expect(outputs.reduce((sum, { tokens }) => sum + tokens.length, 0)).toBeLessThan(1000)
    await client.close()
  })

  it('says what it could not load, and exits with its code', async () => {
    const client = start({ loadFails: true })
    const exit = once(client, 'exit')
    await expect(client.ready).rejects.toMatchObject({ code: 'bad_checkpoint', message: /12 of 100 bytes/ })
    expect((await exit)[0]).toMatchObject({ exitCode: 65 })
  })

  it('exits with 70 after a fault, and every request learns of it once', async () => {
    const client = start({ faultAtStep: 5 })
    const died = once(client, 'exit')
    const streams = await Promise.all(['a', 'b', 'c'].map((id) => collect(client, prompt(id))))
    for (const outputs of streams) {
      expect(outputs.filter(({ finish }) => finish).map(({ finish }) => finish?.error?.code)).toHaveLength(1)
      expect(outputs.at(-1)?.finish?.reason).toBe('error')
    }
    expect((await died)[0]).toMatchObject({ exitCode: 70 })
  })
})

describe('a child process engine', () => {
  it('is replaced when it is killed, and what was in flight gets engine_died', async () => {
    const supervisor = new Supervisor(() => EngineClient.overChildProcess(enginePath, { maxSeqLen: 4096 }))
    const first = await supervisor.ready
    const again = once(supervisor, 'ready')
    let isFirst = true
    const outputs = await collect(supervisor, prompt('long', { maxTokens: 4000 }), () => {
      if (isFirst) process.kill(Number(first.name), 'SIGKILL')
      isFirst = false
    })
    expect(outputs.at(-1)?.finish?.error).toMatchObject({ code: 'engine_died', message: /killed by SIGKILL/ })
    const [second] = await again
    expect(second.name).not.toBe(first.name)
    const answered = await collect(supervisor, prompt('next'))
    expect(answered.at(-1)?.finish?.reason).toBe('length')
    await supervisor.close()
  })

  it('ends when its parent is killed', async () => {
    const server = spawn(process.execPath, [serverPath, enginePath], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(server.stdout, 'data')
    const engine = Number(String(line).trim())
    expect(process.kill(engine, 0)).toBe(true)
    // The engine inherited the pipe: it closes when both are gone, and not before.
    const closed = once(server, 'close')
    server.kill('SIGKILL')
    await closed
  })
})
