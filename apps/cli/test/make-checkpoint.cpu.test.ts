import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedModelPath, LLM } from 'trtllm'
import { afterAll, expect, it } from 'vitest'
import { madeUpTokenizer } from '../src/bench/startup/made-up-tokenizer.js'
import { makeCheckpoint } from '../src/bench/startup/make-checkpoint.js'
import { trtllm } from './in-process.js'

const folder = mkdtempSync(join(tmpdir(), 'trtllm-made-'))
afterAll(() => rmSync(folder, { recursive: true }))
const quiet = () => {}

it('a made-up checkpoint loads, answers text with text, and is left alone the next time', async () => {
  const target = join(folder, 'made')
  const told: number[] = []
  await makeCheckpoint(embeddedModelPath(), target, (done, total) => told.push(done / total))
  expect(told.at(-1)).toBe(1)
  await using llm = await LLM.load(target, { device: 'cpu', maxSeqLen: 256 })
  const text = 'Once upon a time, hätten 12 Füchse ...\n'
  expect(llm.tokenizer.decode(llm.tokenizer.encode(text))).toBe(text)
  const { outputs, usage } = await llm.generate(text, { maxTokens: 8, ignoreEos: true })
  expect(usage.completionTokens).toBe(8)
  expect(outputs[0]!.tokenIds.every((id) => id < llm.info.vocabSize)).toBe(true)

  const weights = join(target, readdirSync(target).find((name) => name.endsWith('.safetensors'))!)
  const before = statSync(weights).mtimeMs
  await makeCheckpoint(embeddedModelPath(), target, quiet)
  expect(statSync(weights).mtimeMs).toBe(before)
})

it('one that was not finished is made anew', async () => {
  const target = join(folder, 'again')
  await makeCheckpoint(embeddedModelPath(), target, quiet)
  const config = join(target, 'config.json')
  const whole = readFileSync(config, 'utf8')
  rmSync(config)
  writeFileSync(join(target, 'tokenizer.json'), '{')
  await makeCheckpoint(embeddedModelPath(), target, quiet)
  expect(readFileSync(config, 'utf8')).toBe(whole)
  expect(JSON.parse(readFileSync(join(target, 'tokenizer.json'), 'utf8'))).toHaveProperty('model')
})

it('a folder with another model is refused, and stays as it is', async () => {
  const target = mkdtempSync(join(folder, 'other-'))
  writeFileSync(join(target, 'config.json'), '{}')
  const { code, stderr } = await trtllm(['bench', 'startup', '--make-checkpoint', target])
  expect(stderr).toMatch(/^trtllm bench startup: --make-checkpoint .*: has another model's config.json/)
  expect(code).toBe(64)
  expect(readFileSync(join(target, 'config.json'), 'utf8')).toBe('{}')
})

it.each([2, 256, 300, 128_256])('the made-up tokenizer has %i tokens, each of them once', (vocabSize) => {
  const { model } = madeUpTokenizer(vocabSize) as {
    model: { vocab: Record<string, number>; merges: [string, string][] }
  }
  expect(Object.values(model.vocab).sort((a, b) => a - b)).toEqual(
    Array.from({ length: vocabSize }, (_, id) => id),
  )
  expect(model.merges.length).toBe(Math.max(0, vocabSize - 256))
  expect(model.merges.every(([a, b]) => model.vocab[a + b] !== undefined)).toBe(true)
})
