// Run by fault-points.e2e.test.ts with the fault points of packages/kernels/test/fault-points.cc before it. Commands come
// as lines: the number of the call that fails. For each it loads a model, answers 20 requests and tells what it saw.
import { openSync, readSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { embeddedModelPath, LLM, TrtllmError } from '../dist/index.js'

const file = openSync(process.env.TRTLLM_FAULT_FILE, 'r+')
const words = () => {
  const read = new Uint32Array(3)
  readSync(file, read, 0, 12, 0)
  return read
}
const arm = (number) => writeSync(file, Uint32Array.of(number, 0, 0), 0, 12, 0)

const failures = []
const typed = (error) => {
  if (error instanceof TrtllmError) failures.push(error.code)
  else failures.push(`untyped ${error?.stack ?? error}`)
}

async function live() {
  const told = []
  let llm
  try {
    llm = await LLM.load(embeddedModelPath(), { device: 'cpu', threads: 2, maxSeqLen: 256 })
    const one = async (i) => {
      try {
        const params = { maxTokens: 6, temperature: i % 2, seed: i, logprobs: i % 3 ? undefined : 1 }
        told[i] = (await llm.generate(`Once upon a time ${i}`, params)).outputs[0].tokenIds.join()
      } catch (error) {
        typed(error)
      }
    }
    await Promise.all(Array.from({ length: 20 }, (_, i) => one(i)))
  } catch (error) {
    typed(error)
  } finally {
    await llm?.close().catch(typed)
  }
  return told
}

arm(0)
const reference = await live()
console.log(JSON.stringify({ calls: words()[1], failures: failures.splice(0) }))
for await (const line of createInterface({ input: process.stdin })) {
  arm(Number(line))
  const during = await live()
  const [, , hits] = words()
  arm(0)
  const wrong = during.filter((tokens, i) => tokens !== undefined && tokens !== reference[i]).length
  const seen = failures.splice(0)
  const after = await live()
  const isWell = after.join('|') === reference.join('|') && failures.length === 0
  const memory = process.memoryUsage().rss
  console.log(
    JSON.stringify({
      number: Number(line),
      hits,
      wrong,
      failures: seen,
      isWell,
      after: failures.splice(0),
      memory,
    }),
  )
}
