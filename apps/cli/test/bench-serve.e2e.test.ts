import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ServeMetrics } from '../src/bench/serve/serve-report.js'
import { trtllm } from './in-process.js'

const program = [process.execPath, fileURLToPath(new URL('../bin/trtllm.mjs', import.meta.url))]
const serve = (...flags: string[]) => trtllm(['bench', 'serve', '--device', 'cpu', ...flags], { program })

it('trtllm bench serve starts a server, loads it and tells what clients saw', async () => {
  const cell = ['--isl', '20', '--osl', '12', '--num-requests', '24', '--concurrency', '8', '--warmup', '2']
  const { code, stdout, stderr } = await serve(...cell, '--json')
  expect([code, stderr]).toEqual([0, ''])
  const report = JSON.parse(stdout) as ServeMetrics & { engine: object }
  expect(report.engine).toMatchObject({ model: '@trtllm/tales', max_batch_size: 8, max_seq_len: 32 })
  expect(report.request_info).toMatchObject({ num_requests: 24, avg_input_length: 20, avg_output_length: 12 })
  expect(report.request_info.avg_num_concurrent_requests).toBeLessThanOrEqual(8)
  expect(report.host?.front_cpu_us_per_token).toBeGreaterThanOrEqual(0)
  expect(report.streaming_metrics.itl_percentiles?.p50).toBeGreaterThanOrEqual(0)
})

it.each<[string, string[], number, RegExp]>([
  [
    'a server that is not there',
    ['--url', 'http://127.0.0.1:1'],
    69,
    /--url http:\/\/127.0.0.1:1: no server answers/,
  ],
  ['a server that does not start', ['--tokenizer', '/nowhere'], 1, /trtllm-serve ended with \d+: .*nowhere/],
  ['two sources of lengths', ['--isl', '4', '--dataset', 'x'], 64, /--dataset has lengths of its own/],
])('refuses %s', async (_, flags, exitCode, message) => {
  const { code, stderr } = await serve(...flags)
  expect(stderr).toMatch(message)
  expect(code).toBe(exitCode)
})
