// npm install --omit=optional && node compare.mjs [--shape DIR] [--models DIR] [--pairs 5] [--threads 2] [--out FILE]
//
// This engine beside node-llama-cpp on one CPU: the same random weights, one request of 256 tokens in and 65 out, taking
// turns; the median of the pairs' ratios. bf16 beside bf16, int8 beside Q8_0. Says the memory's read rate too.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openLlamaCpp, openTrtllm } from './engines.mjs'
import { makeModels } from './make-models.mjs'
import { readRate } from './read-rate.mjs'

const root = new URL('../..', import.meta.url).pathname
const { values: flags } = parseArgs({
  options: {
    shape: { type: 'string', default: join(root, 'benchmarks/shapes/tinyllama-1.1b') },
    models: { type: 'string', default: join(tmpdir(), 'trtllm-cpu-compare') },
    pairs: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const promptTokens = 256
const outputTokens = 65

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
const round = (value) => Number(value.toPrecision(4))
const prompt = Array.from({ length: promptTokens }, (_, i) => 300 + ((i * 7919) % 20_000))

const rates = ({ prefillMs, decodeMs }) => ({
  prefill: (promptTokens / prefillMs) * 1000,
  decode: ((outputTokens - 1) / decodeMs) * 1000,
})

async function compare(name, engines) {
  for (const engine of engines) await engine.run(prompt, outputTokens)
  const pairs = []
  for (let pair = 0; pair < Number(flags.pairs); pair++) {
    // Who goes first alternates: neither always meets the other's warm or hot machine.
    const order = pair % 2 === 0 ? engines : engines.toReversed()
    const runs = {}
    for (const engine of order) runs[engine.name] = await engine.run(prompt, outputTokens)
    pairs.push(runs)
  }
  const [ours, theirs] = engines.map(({ name: each }) => pairs.map((runs) => rates(runs[each])))
  const summary = (kind) => ({
    trtllm: round(median(ours.map((each) => each[kind]))),
    'node-llama-cpp': round(median(theirs.map((each) => each[kind]))),
    ratio: round(median(ours.map((each, i) => each[kind] / theirs[i][kind]))),
    ratios: ours.map((each, i) => round(each[kind] / theirs[i][kind])),
  })
  const { ids: a } = pairs[0][engines[0].name]
  const { ids: b } = pairs[0][engines[1].name]
  const differ = a.findIndex((id, i) => id !== b[i])
  return {
    name,
    sameFirstTokens: differ < 0 ? outputTokens : differ,
    prefill: summary('prefill'),
    decode: summary('decode'),
  }
}

const models = makeModels(flags.shape, flags.models)
const threads = Number(flags.threads)
const readGBs = round(await readRate(threads))
const cases = [
  { name: 'bf16', file: models.bf16 },
  { name: 'int8', file: models.q8_0, quant: 'int8' },
]
const results = []
for (const { name, file, quant } of cases) {
  if (flags.only && flags.only !== name) continue
  const engines = [await openTrtllm(models.folder, { quant, threads }), await openLlamaCpp(file, { threads })]
  results.push(await compare(name, engines))
  for (const engine of engines) await engine.close()
  console.log(JSON.stringify(results.at(-1)))
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
const report = {
  command: `node benchmarks/cpu-compare/compare.mjs ${process.argv.slice(2).join(' ')}`.trim(),
  commit,
  machine: { cpu: cpus()[0].model, threads, read_gb_s: readGBs },
  model: 'tinyllama-1.1b, random weights',
  unit: 'tokens/s',
  results,
}
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(report, null, 2)}\n`)
console.log(JSON.stringify(report, null, 2))
