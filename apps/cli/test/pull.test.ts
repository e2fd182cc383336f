import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { trtllm } from './in-process.js'

const home = mkdtempSync(join(tmpdir(), 'trtllm-pull-'))
afterAll(() => rmSync(home, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

/** A hub that answers every question with one status. */
async function hubThatAnswers(status: number): Promise<AsyncDisposable> {
  const server = createServer((_, response) => response.writeHead(status).end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const environment = {
    HF_ENDPOINT: `http://127.0.0.1:${port}`,
    HF_HOME: home,
    HF_HUB_OFFLINE: '',
    HF_TOKEN: '',
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('trtllm pull', () => {
  it('prints a folder as it is', async () => {
    expect(await trtllm(['pull', home])).toEqual({ code: 0, stdout: `${home}\n`, stderr: '' })
    const { stdout } = await trtllm(['pull', home, '--json'])
    expect(JSON.parse(stdout)).toEqual({ model: home, directory: home })
  })

  it.each([
    [401, 65, /^trtllm pull: hub: org\/tiny .*401.*set HF_TOKEN/],
    [403, 65, /403: this token may not read it; accept the model's licence/],
    [404, 65, /404: no such model, revision or file/],
  ])('a hub that answers %i: exit code %i', async (status, expected, message) => {
    await using _hub = await hubThatAnswers(status)
    const { code, stdout, stderr } = await trtllm(['pull', 'org/tiny'])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
  })

  it('offline: what the cache has, or what to do', async () => {
    vi.stubEnv('HF_HOME', home)
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    const { code, stderr } = await trtllm(['pull', 'org/other'])
    expect(code).toBe(65)
    expect(stderr).toMatch(/no snapshot is cached and HF_HUB_OFFLINE is set; run "trtllm pull org\/other"/)

    const commit = '0123456789abcdef0123456789abcdef01234567'
    const model = join(home, 'hub/models--org--tiny')
    const snapshot = join(model, 'snapshots', commit)
    for (const folder of [join(model, 'refs'), snapshot]) mkdirSync(folder, { recursive: true })
    writeFileSync(join(model, 'refs/main'), commit)
    for (const file of ['config.json', 'model.safetensors']) writeFileSync(join(snapshot, file), '{}')
    expect(await trtllm(['pull', 'org/tiny'])).toEqual({ code: 0, stdout: `${snapshot}\n`, stderr: '' })
  })
})
