import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { embeddedModelPath, LLM } from 'trtllm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { offenders, summarize } from '../src/eval/compare-logits.js'
import { answerAll, exactMatchReport } from '../src/eval/eval-exact-match.js'
import { readEvalItems } from '../src/eval/eval-items.js'
import { evalLogits } from '../src/eval/eval-logits.js'
import { perplexityReport, readTexts, scoreTexts } from '../src/eval/eval-perplexity.js'
import { readGoldenFile } from '../src/eval/golden-file.js'
import { defaultTolerances } from '../src/eval/tolerances.js'

const goldenPath = (name: string) => fileURLToPath(new URL(`goldens/eval/${name}`, import.meta.url))
/** What Transformers computed in f32. */
const reference = JSON.parse(readFileSync(goldenPath('transformers.json'), 'utf8')) as {
  nll: number[]
  outputs: Record<string, string>
}
const run = { signal: new AbortController().signal, onDone: () => {} }

describe.each(['f32', 'bf16', 'f16'] as const)('the embedded model in %s', (dtype) => {
  let llm: LLM
  beforeAll(async () => {
    llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype })
  })
  afterAll(() => llm.close())

  it('answers as Transformers does, one wrong answer included', async () => {
    const file = goldenPath('items.json')
    const items = readEvalItems(file)
    const report = exactMatchReport(items, await answerAll(llm, file, items, run))
    expect(report).toMatchObject({ n: 25, correct: 24, outputs: reference.outputs })
    expect(report.wrong).toEqual([
      { id: 'dev-011', category: 'qa_who', got: 'Her aunt.', want: 'Her brother.' },
    ])
  })

  it('has the logits of the golden', async () => {
    const golden = readGoldenFile(goldenPath('tales.golden.json'))
    const compared = await evalLogits(llm, golden, defaultTolerances[dtype], run)
    expect(offenders(compared)).toEqual([])
    expect(compared).toHaveLength(1398)
    expect(summarize(compared)).toHaveLength(5)
  })

  it('is as sure of tales as Transformers is', async () => {
    const file = goldenPath('stories.json')
    const texts = readTexts(file)
    const scores = await scoreTexts(llm, file, texts, { ...run, eos: true })
    const { story_nll, story_nll_mean, story_tokens } = perplexityReport(texts, scores)
    const expected = reference.nll.reduce((sum, nll) => sum + nll, 0) / story_tokens
    // The reference is stored with four decimals.
    for (const [i, nll] of story_nll.entries())
      expect(Math.abs(nll - reference.nll[i]!)).toBeLessThan(dtype === 'f32' ? 1e-3 : 0.5)
    expect(Math.abs(story_nll_mean - expected)).toBeLessThan(dtype === 'f32' ? 1e-5 : 3e-3)
  })
})

describe('the embedded model with weights and KV cache in fp8', () => {
  let llm: LLM
  beforeAll(async () => {
    llm = await LLM.load(embeddedModelPath(), {
      ...{ device: 'cpu', dtype: 'bf16', quant: 'fp8', kvCacheDtype: 'fp8' },
    })
  })
  afterAll(() => llm.close())

  it('answers as it does without', async () => {
    const file = goldenPath('items.json')
    const items = readEvalItems(file)
    const report = exactMatchReport(items, await answerAll(llm, file, items, run))
    expect(report).toMatchObject({ n: 25, correct: 24 })
  })

  it('prefers no other token where the gap of the golden is above a half', async () => {
    const golden = readGoldenFile(goldenPath('tales.golden.json'))
    const tolerances = { ...defaultTolerances.bf16, logit: 1, argmaxGap: 0.5 }
    const compared = await evalLogits(llm, golden, tolerances, run)
    expect(offenders(compared.filter(({ kind }) => kind === 'greedy token'))).toEqual([])
  })

  it('is as sure of tales as Transformers is', async () => {
    const file = goldenPath('stories.json')
    const texts = readTexts(file)
    const scores = await scoreTexts(llm, file, texts, { ...run, eos: true })
    const { story_nll_mean, story_tokens } = perplexityReport(texts, scores)
    const expected = reference.nll.reduce((sum, nll) => sum + nll, 0) / story_tokens
    expect(Math.abs(story_nll_mean - expected)).toBeLessThan(2e-3)
  })
})

describe('in f32', () => {
  const golden = readGoldenFile(goldenPath('tales.golden.json'))

  it('the logits hold without any pass', async () => {
    await using llm = await LLM.load(embeddedModelPath(), {
      ...{ device: 'cpu', dtype: 'f32', disabledPasses: ['all'] },
    })
    expect(offenders(await evalLogits(llm, golden, defaultTolerances.f32, run))).toEqual([])
  })

  it('what does not fit the model is refused with its place', async () => {
    await using llm = await LLM.load(embeddedModelPath(), {
      ...{ device: 'cpu', dtype: 'f32', maxSeqLen: 200, maxBatchSize: 4 },
    })
    const refusal = (message: string) => ({ exitCode: 65, message: expect.stringContaining(message) })
    await expect(evalLogits(llm, golden, defaultTolerances.f32, run)).rejects.toMatchObject(
      refusal('expected at most 199 tokens of prompt and answer, found '),
    )
    const [prompt] = golden.prompts
    const other = { file: 'other.json', prompts: [{ ...prompt!, topIds: [5000], topLogits: [1] }] }
    await expect(evalLogits(llm, other, defaultTolerances.f32, run)).rejects.toMatchObject(
      refusal('other.json: prompt 0 (dev-g06): token 5000: expected ids below the vocabulary of 4096'),
    )
    const items = readEvalItems(goldenPath('items.json'))
    await expect(answerAll(llm, 'items.json', [{ ...items[0]!, maxNew: 199 }], run)).rejects.toMatchObject(
      refusal('items.json: item 0 (dev-000): expected at most 200 tokens, found a prompt of '),
    )
    const score = (text: string) => scoreTexts(llm, 'a.txt', [text], { ...run, eos: true })
    await expect(score('word '.repeat(300))).rejects.toMatchObject(
      refusal('a.txt: text 0: expected at most 200 tokens, found '),
    )
    const [one] = await score('A')
    expect(one!.tokens).toBe(llm.tokenizer.encode('A').length)
  })
})
