import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { HubServer, type ServedFile } from '../testing/hub-server.js'
import type { HubProgress } from './download.js'
import { type ResolveOptions, resolveModel } from './resolve-model.js'

const parent = mkdtempSync(join(tmpdir(), 'hub-'))
afterAll(() => rmSync(parent, { recursive: true, force: true }))

let cacheDirectory: string
beforeEach(() => {
  cacheDirectory = mkdtempSync(join(parent, 'cache-'))
})

const bytes = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255))
const text = (value: unknown): ServedFile => ({ body: Buffer.from(JSON.stringify(value)) })
const large = bytes(300_000, 1)

const oneFile = (): Record<string, ServedFile> => ({
  'config.json': text({ architectures: ['LlamaForCausalLM'] }),
  'tokenizer.json': text({ version: '1.0' }),
  'chat_template.jinja': { body: Buffer.from('{{ messages }}') },
  'model.safetensors': { body: large, isLfs: true },
  'README.md': { body: Buffer.from('# tiny') },
  'pytorch_model.bin': { body: bytes(10, 2), isLfs: true },
})

const shardA = 'model-00001-of-00002.safetensors'
const shardB = 'model-00002-of-00002.safetensors'
const sharded = (): Record<string, ServedFile> => ({
  'config.json': text({}),
  'model.safetensors.index.json': text({ weight_map: { a: shardA, b: shardB } }),
  [shardA]: { body: bytes(1000, 3), isLfs: true },
  [shardB]: { body: bytes(2000, 4), isLfs: true },
  'consolidated.safetensors': { body: bytes(3000, 5), isLfs: true },
})

const pull = (hub: HubServer, options: ResolveOptions = {}): Promise<string> =>
  resolveModel('org/tiny', {
    endpoint: hub.endpoint,
    cacheDirectory,
    offline: false,
    token: undefined,
    retry: { attempts: 3, delayMs: 1 },
    stallMs: 200,
    ...options,
  } as ResolveOptions)

describe('resolveModel', () => {
  it('takes a local path as it is', async () => {
    expect(await resolveModel(parent)).toBe(parent)
  })

  it('refuses what is neither a path nor a hub id', async () => {
    await expect(resolveModel('./models/nothing')).rejects.toThrow(
      './models/nothing: no such directory, and not a hub id (expected "org/name")',
    )
  })

  it('downloads what serving needs into the standard cache layout', async () => {
    await using hub = await HubServer.start(oneFile())
    const directory = await pull(hub)
    const model = join(cacheDirectory, 'models--org--tiny')
    expect(directory).toBe(join(model, 'snapshots', hub.commit))
    expect(readdirSync(directory).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ])
    expect(readFileSync(join(model, 'refs', 'main'), 'utf8')).toBe(hub.commit)
    expect(lstatSync(join(directory, 'model.safetensors')).isSymbolicLink()).toBe(true)
    expect(readlinkSync(join(directory, 'model.safetensors'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/)
    expect(readlinkSync(join(directory, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
    expect(readFileSync(join(directory, 'model.safetensors')).equals(large)).toBe(true)
  })

  it('fetches the shards the index lists and no other weights', async () => {
    await using hub = await HubServer.start(sharded())
    expect(readdirSync(await pull(hub)).sort()).toEqual([
      'config.json',
      shardA,
      shardB,
      'model.safetensors.index.json',
    ])
  })

  it('asks for no bytes twice', async () => {
    await using hub = await HubServer.start(oneFile())
    await pull(hub)
    hub.log.length = 0
    await pull(hub)
    expect(hub.log).toEqual(['main', hub.commit])
  })

  it('goes on where a dropped connection stopped', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { cutAfter: [1e9, 1e9, 1e9, 100_000, 50_000] }
    const seen: HubProgress[] = []
    const directory = await pull(hub, { onProgress: (progress) => seen.push(progress) })
    expect(readFileSync(join(directory, 'model.safetensors')).equals(large)).toBe(true)
    const ranges = hub.log.filter((line) => line.startsWith('model.safetensors'))
    expect(ranges).toHaveLength(3)
    expect(ranges[0]).toBe('model.safetensors')
    expect(ranges[1]).toMatch(/bytes=[1-9]\d*-$/)
    expect(seen.at(-1)).toMatchObject({ file: 'model.safetensors', fileDone: 300_000, fileTotal: 300_000 })
    expect(seen.at(-1)!.done).toBe(seen.at(-1)!.total)
  })

  it('goes on with the part an earlier run left', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { cutAfter: [1e9, 1e9, 1e9, 100_000, 0, 0, 0, 0] }
    await expect(pull(hub)).rejects.toThrow(/org\/tiny\/model\.safetensors: cannot reach/)
    expect(
      readdirSync(join(cacheDirectory, 'models--org--tiny', 'blobs')).some((name) =>
        name.endsWith('.incomplete'),
      ),
    ).toBe(true)
    hub.faults = {}
    hub.log.length = 0
    const directory = await pull(hub)
    expect(readFileSync(join(directory, 'model.safetensors')).equals(large)).toBe(true)
    expect(hub.log.at(-1)).toMatch(/^model\.safetensors bytes=[1-9]\d*-$/)
  })

  it('starts over where the server ignores ranges', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { cutAfter: [1e9, 1e9, 1e9, 100_000], noRanges: true }
    expect(readFileSync(join(await pull(hub), 'model.safetensors')).equals(large)).toBe(true)
  })

  it('cuts a connection that has gone silent', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { stallAfter: [1] }
    await pull(hub)
    expect(hub.log.filter((line) => line.startsWith('config.json'))).toEqual([
      'config.json',
      'config.json bytes=1-',
    ])
  })

  it('repeats requests while the hub is overloaded', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { statuses: [503, 429] }
    await pull(hub)
    expect(hub.log.slice(0, 3)).toEqual(['main', 'main', 'main'])
  })

  it('gives up on a hub that stays overloaded', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { statuses: [503, 503, 503, 503] }
    await expect(pull(hub)).rejects.toMatchObject({ code: 'overloaded', exitCode: 69 })
  })

  it.each([
    ['sha256', 'model.safetensors', 'a'.repeat(64)],
    ['git id', 'config.json', 'b'.repeat(40)],
  ])('refuses bytes whose %s is not the listed one', async (kind, name, wrongId) => {
    const files = oneFile()
    await using hub = await HubServer.start({ ...files, [name]: { ...files[name]!, wrongId } })
    await expect(pull(hub)).rejects.toThrow(
      new RegExp(
        `^hub: org/tiny/${name}: ${kind} must be ${wrongId}, found [0-9a-f]+; the transfer was damaged`,
      ),
    )
    expect(
      readdirSync(join(cacheDirectory, 'models--org--tiny', 'blobs')).filter((blob) =>
        blob.startsWith(wrongId),
      ),
    ).toEqual([])
  })

  it('refuses a repository whose index lists a shard it does not have', async () => {
    const { [shardB]: _, ...files } = sharded()
    await using hub = await HubServer.start(files)
    await expect(pull(hub)).rejects.toThrow(`lists ${shardB}, which the repository does not have`)
  })

  it.each([
    [
      401,
      'unauthorized',
      'hub: org/tiny (revision main): 401: the model is private or gated, or does not exist; set HF_TOKEN to a token that may read it',
    ],
    [
      403,
      'forbidden',
      "hub: org/tiny (revision main): 403: this token may not read it; accept the model's licence on its page, or use a token with read access",
    ],
    [
      404,
      'not_found',
      'hub: org/tiny (revision main): 404: no such model, revision or file; check the spelling',
    ],
  ])('names the remedy for %i', async (status, code, message) => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { statuses: [status] }
    await expect(pull(hub)).rejects.toMatchObject({ code, message, exitCode: 65 })
  })

  it('sends the token, whatever its form', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.token = 'local-token'
    await expect(pull(hub, { token: 'hf_other' })).rejects.toThrow('the token is not valid')
    expect(await pull(hub, { token: 'local-token' })).toContain('snapshots')
  })

  it('names the hub it cannot reach', async () => {
    const hub = await HubServer.start({})
    const { endpoint } = hub
    await hub[Symbol.asyncDispose]()
    await expect(
      resolveModel('org/tiny', { endpoint, cacheDirectory, retry: { attempts: 1, delayMs: 1 } }),
    ).rejects.toThrow(`hub: org/tiny: cannot reach ${endpoint}: `)
  })

  it('uses an earlier download when the hub cannot be reached, and says so', async () => {
    const hub = await HubServer.start(oneFile())
    const directory = await pull(hub)
    const { endpoint } = hub
    await hub[Symbol.asyncDispose]()
    const warnings: string[] = []
    const retry = { attempts: 1, delayMs: 1 }
    const onWarning = (message: string) => warnings.push(message)
    expect(await resolveModel('org/tiny', { endpoint, cacheDirectory, retry, onWarning })).toBe(directory)
    expect(warnings).toEqual([expect.stringContaining(`using the snapshot in ${directory}`)])
  })

  it('fetches config and tokenizer alone when asked to', async () => {
    await using hub = await HubServer.start(oneFile())
    expect(readdirSync(await pull(hub, { weights: false })).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'tokenizer.json',
    ])
    await expect(pull(hub, { offline: true })).rejects.toThrow('the snapshot lacks model.safetensors')
  })

  it('refuses a repository without safetensors before it fetches anything', async () => {
    const { 'model.safetensors': _, ...files } = oneFile()
    await using hub = await HubServer.start(files)
    await expect(pull(hub)).rejects.toThrow(
      'hub: org/tiny: no *.safetensors in this repository, only pytorch_model.bin; choose one with safetensors weights',
    )
    expect(hub.log).toEqual(['main', hub.commit])
  })

  it('stops when it is aborted', async () => {
    await using hub = await HubServer.start(oneFile())
    hub.faults = { stallAfter: [10] }
    const abort = new AbortController()
    const work = pull(hub, {
      signal: abort.signal,
      stallMs: 10_000,
      onProgress: () => abort.abort(new Error('enough')),
    })
    await expect(work).rejects.toThrow('enough')
  })
})

describe('offline', () => {
  it('uses a complete snapshot', async () => {
    await using hub = await HubServer.start(sharded())
    const directory = await pull(hub)
    hub.log.length = 0
    expect(await pull(hub, { offline: true })).toBe(directory)
    expect(hub.log).toEqual([])
  })

  it('names the shards a snapshot lacks', async () => {
    await using hub = await HubServer.start(sharded())
    rmSync(join(await pull(hub), shardB))
    await expect(pull(hub, { offline: true })).rejects.toThrow(
      `hub: org/tiny@main: the snapshot lacks ${shardB} and HF_HUB_OFFLINE is set; run "trtllm pull org/tiny" with a network first`,
    )
  })

  it('says when nothing is cached', async () => {
    await expect(resolveModel('org/tiny', { cacheDirectory, offline: true })).rejects.toThrow(
      'no snapshot is cached',
    )
  })
})
