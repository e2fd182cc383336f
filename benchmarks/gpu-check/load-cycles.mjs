// Loads the embedded model, answers, disposes, many times: memory of host and device, threads and files must stay.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { listDevices } from '@trtllm/kernels'
import { embeddedModelPath, LLM } from 'trtllm'

const type = 'string'
const options = { device: { type, default: 'cuda' }, cycles: { type, default: '1000' } }
const { device, cycles } = parseArgs({ options }).values
const count = Number(cycles)
const MiB = 2 ** 20

async function cycle() {
  const small = { maxBatchSize: 4, maxNumTokens: 64, maxSeqLen: 128, kvCacheMaxTokens: 512 }
  await using llm = await LLM.load(embeddedModelPath(), { device, ...small })
  const { outputs } = await llm.generate('Once upon a time', { maxTokens: 4, temperature: 0 })
  return outputs[0].text
}

/** What could leak, now. */
function sample(after) {
  globalThis.gc?.()
  const gpu = listDevices().find(({ kind }) => kind === 'cuda')
  return {
    after,
    rssMiB: Math.round(process.memoryUsage().rss / MiB),
    gpuFreeMiB: device === 'cpu' || !gpu ? null : Math.round(gpu.freeBytes / MiB),
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
  }
}

const startMs = performance.now()
const texts = new Set()
const samples = []
const every = Math.max(1, Math.floor(count / 10))
for (let done = 1; done <= count; done++) {
  texts.add(await cycle())
  if (done % every === 0) samples.push(sample(done))
}
const seconds = (performance.now() - startMs) / 1000

// The first fifth warms allocators and caches.
const early = samples[Math.min(samples.length - 1, Math.ceil(samples.length / 5))]
const late = samples.at(-1)
const grown = {
  rssMiB: late.rssMiB - early.rssMiB,
  gpuMiB: late.gpuFreeMiB === null ? null : early.gpuFreeMiB - late.gpuFreeMiB,
  threads: late.threads - early.threads,
  files: late.files - early.files,
}
const isGood =
  grown.rssMiB <= 48 && (grown.gpuMiB ?? 0) <= 4 && grown.threads <= 0 && grown.files <= 0 && texts.size === 1
console.log(
  JSON.stringify({
    summary: `${count} cycles, grown after warm-up: ${grown.rssMiB} MiB host, ${grown.gpuMiB ?? 0} MiB GPU`,
    isGood,
    cycles: count,
    msPerCycle: Number(((1000 * seconds) / count).toFixed(1)),
    differentTexts: texts.size,
    grown,
    samples,
  }),
)
process.exit(isGood ? 0 : 1)
