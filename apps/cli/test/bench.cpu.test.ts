import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { RooflineReport } from '../src/bench/bench-plan.js'
import type { BenchReport } from '../src/bench/bench-report.js'
import { randomRequests } from '../src/bench/workload.js'
import { trtllm } from './in-process.js'

const folder = mkdtempSync(join(tmpdir(), 'trtllm-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

async function report(...flags: string[]): Promise<BenchReport & { roofline?: RooflineReport }> {
  const { code, stdout, stderr } = await trtllm(['bench', ...flags, '--device', 'cpu', '--json'])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('trtllm bench', () => {
  it('throughput: all at once, every token counted, the report in known keys', async () => {
    const all = ['--isl', '24', '--osl', '17', '--num-requests', '12']
    const found = await report('throughput', ...all, '--dtype', 'f32', '--max-batch-size', '8')
    const { request_info: asked, performance, streaming_metrics: streaming } = found
    expect(asked).toMatchObject({ num_requests: 12, avg_input_length: 24, avg_output_length: 17 })
    expect(asked.avg_num_concurrent_requests).toBeGreaterThan(4)
    const seconds = performance.total_latency_ms / 1000
    expect(performance.system_output_throughput_tok_s).toBeCloseTo((12 * 17) / seconds, -1.5)
    expect(performance.system_total_throughput_tok_s).toBeCloseTo((12 * 41) / seconds, -1.5)
    expect(performance.output_throughput_per_gpu_tok_s).toBe(performance.system_output_throughput_tok_s)
    const spread = performance.request_latency_percentiles_ms
    expect(spread.minimum).toBeLessThanOrEqual(spread.p50)
    expect(spread.p50).toBeLessThanOrEqual(spread.p99)
    expect(spread.maximum).toBeLessThanOrEqual(performance.total_latency_ms + 1)
    expect(streaming.avg_ttft_ms).toBeLessThan(performance.avg_request_latency_ms)
    expect(found.engine).toMatchObject({ model_path: '@trtllm/tales', dtype: 'f32', quantization: 'none' })
    expect(found.world_info).toMatchObject({ tp_size: 1, max_batch_size: 8, max_seq_len: 41 })
    // 12 requests, 8 at a time: two rounds of 17 steps.
    expect(found.roofline?.bound_steps).toBe(34)
    expect(found.roofline?.share_of_bound).toBeGreaterThan(0)
    expect(found.roofline?.copy_bytes_per_s).toBeGreaterThan(1e8)
    expect(found.command).toMatch(/^trtllm bench throughput --isl 24 .*--json$/)
    // Two rounds of 17 steps; the second one's prompts share steps with the answers that end the first.
    expect(found.host.steps).toBeGreaterThanOrEqual(34)
    expect(found.host.average_step_ms * found.host.steps).toBeLessThan(performance.total_latency_ms)
    const { average, p50, p99 } = found.host.exposed_us_per_step
    expect(average).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50)
    // From 24 to 40 of 41 tokens, in pages of 32.
    expect(found.kv_cache.waste).toBeGreaterThan(0.1)
    expect(found.kv_cache.waste).toBeLessThan(0.5)
  })

  it('latency: one at a time', async () => {
    const found = await report(
      ...['latency', '--isl', '100', '--osl', '8', '--num-requests', '3', '--warmup', '3'],
      ...['--quant', 'int8', '--kv_cache_dtype', 'fp8'],
    )
    expect(found.request_info.avg_num_concurrent_requests).toBeLessThanOrEqual(1)
    expect(found.engine).toMatchObject({ quantization: 'int8', kv_cache_dtype: 'fp8' })
    // The warm-up left nothing that the run could find.
    expect(found.kv_cache.reused_tokens).toBe(0)
    expect(found.streaming_metrics.avg_tpot_ms).toBeGreaterThan(0)
    expect(found.performance.output_throughput_per_user_tok_s).toBeGreaterThan(0)
  })

  it('takes requests of a file, of ids and of text', async () => {
    const lines = [
      { task_id: 0, input_ids: [5, 6, 7], output_tokens: 4 },
      { task_id: 1, prompt: 'Once upon a time', output_tokens: 6 },
    ]
    const dataset = file('requests.jsonl', `${lines.map((line) => JSON.stringify(line)).join('\n')}\n\n`)
    const found = await report('throughput', '--dataset', dataset)
    expect(found.request_info).toMatchObject({ num_requests: 2, avg_output_length: 5 })
  })

  it.each<[string, string[], number, RegExp]>([
    [
      'a request beyond the model',
      ['--isl', '2000', '--osl', '100'],
      64,
      /a request of 2000 tokens in and 100 out is longer/,
    ],
    ['two sources of lengths', ['--isl', '4', '--dataset', 'x'], 64, /--dataset has lengths of its own/],
    ['no file', ['--dataset', join(folder, 'none')], 64, /none: not found/],
    [
      'a line that is none',
      ['--dataset', file('a.jsonl', '{}\n')],
      65,
      /line 1: output_tokens: expected a whole number above 0, found nothing/,
    ],
    [
      'a broken line',
      ['--dataset', file('b.jsonl', '\n{\n')],
      65,
      /b\.jsonl: line 2: expected a JSON object/,
    ],
    ['nothing', ['--dataset', file('c.jsonl', '\n')], 65, /expected a request a line, found none/],
  ])('refuses %s', async (_, flags, exitCode, message) => {
    const { code, stderr } = await trtllm(['bench', 'throughput', '--device', 'cpu', ...flags])
    expect(code).toBe(exitCode)
    expect(stderr).toMatch(message)
  })

  it('as text', async () => {
    const { code, stdout } = await trtllm(['bench', 'latency', '--device', 'cpu', '--isl', '8', '--osl', '4'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /5 requests of 8 tokens in, 4 out; 1 at a time|5 requests of 8 tokens in, 4 out; 0\.\d+ at a time/,
    )
    expect(stdout).toMatch(/\noutput +[\d.]+ tokens\/s\n/)
  })

  it('random prompts are the same each time, inside the vocabulary and unlike each other', () => {
    const [first, again] = [randomRequests(3, 40, 2, 1000), randomRequests(3, 40, 2, 1000)]
    expect(again).toEqual(first)
    const ids = first.flatMap(({ promptIds }) => promptIds)
    expect(Math.max(...ids)).toBeLessThan(1000)
    expect(new Set(ids).size).toBeGreaterThan(60)
    expect(first[0]!.promptIds).not.toEqual(first[1]!.promptIds)
  })
})
