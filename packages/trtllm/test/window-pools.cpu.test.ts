import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddedModelPath, LLM, type LoadOptions } from '../src/index.js'

let folder: string

/** The embedded model's shape with a window of 48 tokens in its later layers, and made-up weights. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trtllm-window-'))
  const config = JSON.parse(readFileSync(join(embeddedModelPath(), 'config.json'), 'utf8'))
  const windows = { use_sliding_window: true, sliding_window: 48, max_window_layers: 2 }
  const changed = { ...config, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', ...windows }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(changed))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(options: LoadOptions) {
  await using llm = await LLM.load(folder, {
    ...{ device: 'cpu', threads: 2, dtype: 'f32', loadFormat: 'dummy', tokenizer: false },
    ...{ maxBatchSize: 8, maxNumTokens: 64, maxSeqLen: 512 },
    ...options,
  })
  const prompts = Array.from({ length: 24 }, (_, i) =>
    Array.from({ length: 20 + 17 * i }, (_, at) => 10 + (at < 150 ? at : (at * (i + 1)) % 500)),
  )
  const outputs = await llm.generate(prompts, { maxTokens: 24, ignoreEos: true, seed: 3, temperature: 1 })
  const { gauges, counters } = await llm.getStats()
  expect(gauges).toMatchObject({ quiescent: true, running: 0 })
  const { kvBytes, kvBytesPerToken } = llm.info.memory
  return {
    answers: outputs.map(({ outputs: [first] }) => first!.tokenIds),
    counters,
    flatBytes: llm.info.kvTokens * kvBytesPerToken,
    kvBytes,
  }
}

it('window pools are smaller than others and change no answer, with and without reuse and pauses', async () => {
  const plain = await run({ enableBlockReuse: false })
  expect(plain.kvBytes).toBeLessThan(0.8 * plain.flatBytes)
  expect(new Set(plain.answers.map((ids) => ids.join())).size).toBe(24)
  const reused = await run({})
  expect(reused.answers).toEqual(plain.answers)
  expect(reused.counters.reusedTokens).toBeGreaterThan(500)
  const tight = await run({ kvCacheMaxTokens: 768, capacitySchedulerPolicy: 'MAX_UTILIZATION' })
  expect(tight.answers).toEqual(plain.answers)
  expect(tight.counters.pauses).toBeGreaterThan(0)
})
