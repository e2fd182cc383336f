import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { badCheckpoints, badConfigs, badFlags, badRequests } from './bad-inputs.js'
import { DamagedModel } from './damaged-model.js'
import { gauges, idle, onCpu, type ServerProcess, startProcess } from './server-process.js'

/** How a start ends and all that it says; the model's folder is written as <model>, the architectures as <all>. */
async function refusal(args: string[], folder = ''): Promise<[number | null, string]> {
  await using server = startProcess([...onCpu, '--log-level', 'error', ...args])
  const { code } = await server.exit
  const said = server.output().replace(/(?<=; supported: ).*/, '<all>')
  return [code, folder === '' ? said : said.replaceAll(folder, '<model>')]
}

describe.each([
  ['a checkpoint is refused when', badCheckpoints],
  ['a configuration is refused when', badConfigs],
])('%s', (_kind, table) => {
  test.each(table)('%s', async (_what, damage, code, message) => {
    using model = new DamagedModel()
    damage(model)
    expect(await refusal([model.folder], model.folder)).toEqual([code, `trtllm-serve: ${message}\n`])
  })
})

describe('flags are refused', () => {
  test.each(badFlags)('%s', async (flags, code, message) => {
    expect(await refusal(flags.split(' '))).toEqual([code, `trtllm-serve: ${message}\n`])
  })
})

describe('a machine is refused', () => {
  test('that lacks the GPU asked for', async () => {
    await using server = startProcess(['--device', 'cuda:99', '--port', '0', '--log-level', 'error'])
    expect((await server.exit).code).toBe(69)
    expect(server.output()).toMatch(/^trtllm-serve: .*CUDA.*\n$/)
  })

  test('that lacks the memory, with need, have and what would fit', async () => {
    const [code, said] = await refusal(['--kv-cache-free-gpu-memory-fraction', '0.0000001'])
    expect(code).toBe(69)
    expect(said).toMatch(/^trtllm-serve: cpu: need \S+ MiB \(weights 24\.0 MiB, .*\), have \S+ GiB free; /)
    expect(said).toMatch(/ would fit: --kv-cache-free-gpu-memory-fraction 0\.95\n$/)
  })
})

describe('a request is refused', () => {
  let server: ServerProcess
  let url: string
  beforeAll(async () => {
    server = startProcess(onCpu)
    url = await server.url
  })
  afterAll(async () => await server[Symbol.asyncDispose]())

  test.each(badRequests)('%s', async (_what, path, body, code, param, message) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(await response.json()).toMatchObject({ error: { code, param, message } })
    expect(response.status).toBe(400)
  })

  test('and leaves nothing behind', async () => {
    await vi.waitFor(async () => expect(await gauges(url)).toMatchObject(idle))
  })
})
