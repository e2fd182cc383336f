import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import type { Line } from '../src/doctor/diagnoses.js'
import { trtllm } from './in-process.js'

const environment = { ...process.env, HF_TOKEN: 'hf_secret' }

/** A port that is free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

it('this machine can serve the embedded model on its CPU', async () => {
  const { code, stdout, stderr } = await trtllm(
    ['doctor', '--device', 'cpu', '--port', String(await freePort())],
    { environment },
  )
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ok {4}native addon {2,}loaded; kernels for scalar/m)
  expect(stdout).toMatch(/^ok {4}model {2,}.*LlamaForCausalLM, 12\.6 M parameters, bf16/m)
  expect(stdout).toMatch(/^\d+ ok, \d+ to mind, 0 failed$/m)
  expect(code).toBe(0)
})

it('a port in use and a missing model stop serving; --json has the facts and no secrets', async () => {
  const holder = createServer((_, response) => response.end('not ours')).listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as AddressInfo
  const line = ['doctor', '--json', '--device', 'cpu', '--port', String(port), '--model', 'no/such-model']
  const { code, stdout } = await trtllm(line, { environment })
  holder.close()
  const report = JSON.parse(stdout) as { ok: boolean; diagnoses: Line[]; facts: object }
  expect([code, report.ok]).toEqual([1, false])
  expect(report.diagnoses.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name)).toEqual([
    'model',
    'port',
  ])
  expect(report.facts).toMatchObject({ wanted: { port }, backend: { device: 'cpu' } })
  expect(stdout).not.toContain('hf_secret')
})
