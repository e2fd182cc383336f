import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { trtllm } from './in-process.js'

const shape = (name: string) => fileURLToPath(new URL(`../../../benchmarks/shapes/${name}`, import.meta.url))
const plan = (line: string, name = 'llama-3.1-8b') =>
  trtllm(['plan', '--model', shape(name), ...line.split(' ').filter((word) => word !== '')])

it('shows the nodes and then the memory', async () => {
  const { code, stdout, stderr } = await plan('')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^model +llama-3\.1-8b\n/)
  expect(stdout).toContain('\n%0 = apply-deltas(')
  expect(stdout).toMatch(
    /\n\nmemory plan\nmemory +140\.40 GiB {2}h200\n[\s\S]*\nat full length +\d {2}sequences at once\n$/,
  )
})

it('leaves the nodes out, and takes both spellings of a flag', async () => {
  const { stdout } = await plan('--no-graph --max_batch_size 4 --gpu_memory 80GiB')
  expect(stdout).not.toContain('apply-deltas')
  expect(stdout).toMatch(/\nmemory +80\.00 GiB {2}80GiB\n/)
  expect(stdout).toMatch(/\nslot state +[\d.]+ MiB {2}of 4 sequences\n/)
})

it('halves what a token takes with a KV cache in fp8', async () => {
  const [plain, small] = [await plan('--no-graph'), await plan('--no-graph --kv_cache_dtype fp8')]
  expect(plain.stdout).toMatch(/\nkv a token +131,072\n/)
  expect(small.stdout).toMatch(/\nkv a token +65,536\n/)
  expect(small.stdout).toMatch(/, no window, f8, 2,097,152 bytes for 32 tokens\n/)
  expect((await plan('--kv-cache-dtype f16')).stderr).toContain('--kv-cache-dtype f16 with dtype bf16')
})

it('prints nothing but JSON with a bare --json', async () => {
  const { code, stdout } = await plan('--json --no-graph --tp 2')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    mesh: { size: 2, rank: 0 },
    fits: true,
    offer: { name: 'h200' },
  })
})

it('ends with 69 where the model does not fit, after the plan', async () => {
  const { code, stdout } = await plan('--no-graph --gpu-memory 8GiB')
  expect(code).toBe(69)
  expect(stdout).toMatch(/\ndoes not fit: 8GiB: need [\d.]+ GiB .*; on more GPUs: --tp 4\n$/)
})

it.each([
  ['--tp 3', 78, 'trtllm plan: --tp 3: model.layers.0.self_attn.q_proj: 32 heads do not divide over 3 ranks'],
  ['--tp 0', 64, 'trtllm plan: --tp must be an integer from 1 to 1024; got "0".'],
  [
    '--gpu-memory lots',
    64,
    'trtllm plan: --gpu-memory lots: expected bytes, a size such as 80GiB, or one of',
  ],
  ['--device tpu', 64, 'trtllm plan: device is "tpu", expected auto, cpu, cuda, cuda:N or null'],
  [
    '--json /nowhere/plan.json',
    64,
    'trtllm plan: --json /nowhere/plan.json: /nowhere is no folder; make it first',
  ],
])('refuses %s', async (line, exitCode, message) => {
  const { code, stdout, stderr } = await plan(line)
  expect([code, stdout]).toEqual([exitCode, ''])
  expect(stderr).toContain(message)
})
