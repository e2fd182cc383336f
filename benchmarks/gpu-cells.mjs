#!/usr/bin/env node
// Runs the cells that the project is measured by on one GPU and writes a report for each:
//
//   node benchmarks/gpu-cells.mjs [--trtllm FILE] [--out benchmarks/results] [--only 8b-128-128,attention] [--quarter]
//
// --quarter runs a fourth of the requests, for tuning; bounds are simulated for the number that runs. Constants that were
// measured in the same calls are kept in roofline.json beside this file.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
const f8 = ['--quant', 'fp8']
const f8Cache = [...f8, '--kv-cache-dtype', 'fp8']

const request = (isl, osl, requests) => ['--isl', isl, '--osl', osl, '--num-requests', requests]

/** All requests at once, as many as the published figures were measured with. */
const throughput = (model, isl, osl, requests, batch, more = f8Cache) => ({
  requests,
  args: (count) => [
    ...['throughput', '--model', model, ...request(isl, osl, count), ...more],
    ...['--max-batch-size', batch, '--max-num-tokens', 8192, '--max-seq-len', isl + osl],
  ],
})

/** One request at a time, 128 + 512 tokens. */
const latency = (model, more = []) => ({
  requests: 4,
  args: (count) => ['latency', '--model', model, ...request(128, 512, count), '--max-seq-len', 1024, ...more],
})

const kernels = (model, batches, context, prompt, more = []) => ({
  requests: 1,
  args: () => [
    ...['kernels', '--model', model, '--batches', batches],
    ...['--context', context, '--prompt', prompt, ...more],
  ],
})

const [small, middle, large] = ['llama-3.2-1b', 'llama-3.1-8b', 'llama-3.3-70b']
/** Little but attention: 64 query and 4 key heads of 128. */
const heads64 = 'attention-64-4'

export const cells = {
  '8b-128-128': throughput(middle, 128, 128, 30_000, 2048),
  '8b-128-2048': throughput(middle, 128, 2048, 3000, 1024),
  '8b-1000-1000': throughput(middle, 1000, 1000, 3000, 768),
  '8b-2048-128': throughput(middle, 2048, 128, 3000, 512),
  '8b-bf16-one': latency(middle),
  '8b-fp8-one': latency(middle, f8),
  '1b-bf16-one': latency(small),
  '70b-fp8-one': latency(large, f8),
  '70b-128-2048': throughput(large, 128, 2048, 3000, 512),
  '8b-host': {
    requests: 1,
    args: () => ['host', '--model', middle, ...f8Cache, '--batches', '1,512', '--steps', 200],
  },
  '8b-kernels': kernels(middle, '1,64,512', 1024, 8192, f8Cache),
  '8b-bf16-kernels': kernels(middle, '1,64,512', 1024, 8192),
  '70b-kernels': kernels(large, '1,64', 1024, 8192, f8Cache),
  // Its decode step and its prompt.
  attention: kernels(heads64, '64', 16384, 16384),
  'attention-fp8': kernels(heads64, '64', 16384, 16384, ['--kv-cache-dtype', 'fp8']),
}

function main() {
  const { values } = parseArgs({
    options: {
      trtllm: { type: 'string', default: join(here, '../apps/cli/bin/trtllm.mjs') },
      out: { type: 'string', default: join(here, 'results') },
      only: { type: 'string', default: Object.keys(cells).join(',') },
      quarter: { type: 'boolean', default: false },
    },
  })
  mkdirSync(values.out, { recursive: true })
  let failed = 0
  for (const name of values.only.split(',')) {
    const cell = cells[name]
    if (!cell) throw new Error(`--only ${name}: expected some of ${Object.keys(cells).join(', ')}`)
    const json = join(values.out, `${name}.json`)
    const count = values.quarter ? Math.max(1, Math.ceil(cell.requests / 4)) : cell.requests
    const args = cell.args(count).map((arg) => (isShape(arg) ? join(here, 'shapes', arg) : String(arg)))
    const fixed = ['--device', 'cuda', '--dtype', 'bf16', '--load-format', 'dummy', '--json', json]
    const program = values.trtllm.endsWith('.mjs') ? [process.execPath, values.trtllm] : [values.trtllm]
    const [command, ...rest] = [...program, 'bench', ...args, ...fixed]
    const { status, stdout } = spawnSync(command, rest, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    console.log(`== ${name}${status === 0 ? '' : `: ended with ${status}`}\n${stdout}`)
    if (status === 0) keepConstants(json)
    else failed++
  }
  return failed === 0 ? 0 : 1
}

const isShape = (arg) => typeof arg === 'string' && /^(llama|attention)-\d/.test(arg)

/** The newest constants of each device. */
function keepConstants(json) {
  const { roofline, machine, commit } = JSON.parse(readFileSync(json, 'utf8'))
  if (!roofline) return
  const file = join(here, 'roofline.json')
  const all = readOr(file, {})
  const constants = Object.entries(roofline).filter(([key]) => /_per_s$|_us$/.test(key))
  const device = machine.name ?? machine.cpu
  all[device] = { ...all[device], ...Object.fromEntries(constants), commit, clocks: machine['clocks.sm'] }
  writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`)
}

function readOr(file, otherwise) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return otherwise
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main())
