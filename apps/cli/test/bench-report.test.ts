import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { trtllm } from './in-process.js'

const folder = mkdtempSync(join(tmpdir(), 'trtllm-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cell = (rate: number, share?: number) => ({
  command: 'trtllm bench throughput --isl 128',
  engine: { model: 'llama <8b>', quantization: 'fp8', kv_cache_dtype: 'fp8' },
  machine: { name: 'NVIDIA H200', 'clocks.sm': { minimum: 1185, median: 1500, maximum: 1980 } },
  request_info: { num_requests: 512, avg_input_length: 128, avg_output_length: 640 },
  performance: { system_output_throughput_tok_s: rate },
  streaming_metrics: { avg_ttft_ms: 12.34, avg_tpot_ms: 5.678 },
  ...(share !== undefined && {
    roofline: { share_of_bound: share, bound_output_throughput_tok_s: rate / share },
  }),
})
const call = (op: string, share: number) => ({
  ...{ op, kernel: `${op}.cuda`, shape: '[64,4096]', calls: 32, us: 10, gb_per_s: 2000, tflop_per_s: 1.5 },
  ...{ bound_us: 10 * share, bound_by: 'memory', share_of_bound: share },
})
const kernels = {
  command: 'trtllm bench kernels',
  machine: { cpu: 'EPYC' },
  steps: [{ title: 'decode of 64 at 1024 tokens', calls: [call('linear', 0.8), call('silu-mul', 0.4)] }],
}

function fileOf(name: string, value: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}
const read = (name: string) => readFileSync(join(folder, 'out', name), 'utf8')

it('renders cells and kernels, wherever they lie in a file, as a page with charts', async () => {
  const results = fileOf('h200.json', {
    runs: [{ commit: '0123456789', notes: ['A remark.'], cells: [cell(26000, 0.62)] }],
    ...{ 'over-http': cell(100), own: { kernels } },
  })
  const { code, stdout } = await trtllm(['bench', 'report', results, '--out', join(folder, 'out')])
  expect([code, stdout]).toEqual([0, `${join(folder, 'out/h200.md')}\n`])
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['h200-kernels-0.svg', 'h200.md', 'h200.svg'])
  const page = read('h200.md').replaceAll(/ +/g, ' ')
  expect(page).toContain(
    '| | 0123456 | llama <8b>, fp8, KV fp8, 512 x (128 + 640) | 26000.0 | 41935.5 | 62.0 % | 12.3 | 5.68 |',
  )
  expect(page).toContain(
    '| silu-mul | [64,4096] | 32 | 10.0 | 2000 | 1.5 | 40.0 % memory (low) | silu-mul.cuda |',
  )
  expect(page).toContain('\nA remark.\n')
  expect(page).toContain('| over-http | | llama <8b>, fp8, KV fp8, 512 x (128 + 640) | 100.0 | | |')
  expect(page.match(/!\[.*\]\((.*)\)/g)).toHaveLength(2)
  const svg = read('h200.svg')
  // The cell without a bound has no bar.
  expect(svg.match(/<rect/g)).toHaveLength(1)
  expect(svg).toContain('llama &lt;8b&gt;')
  expect(svg).toContain(`width="${(320 * 0.62).toFixed(1)}"`)
})

it.each([
  ['what is no JSON', 'x', /cannot be read as JSON/],
  [
    'a file without results',
    { a: [1, null] },
    /has no results of bench throughput, latency, serve or kernels/,
  ],
])('refuses %s', async (_, value, message) => {
  const { code, stderr } = await trtllm(['bench', 'report', fileOf('bad.json', value), '--out', folder])
  expect(stderr).toMatch(message)
  expect(code).toBe(64)
})
