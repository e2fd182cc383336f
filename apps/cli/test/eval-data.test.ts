import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { exactMatchReport } from '../src/eval/eval-exact-match.js'
import { readEvalItems } from '../src/eval/eval-items.js'
import { perplexityReport, readTexts } from '../src/eval/eval-perplexity.js'
import { readGoldenFile } from '../src/eval/golden-file.js'
import { runAll } from '../src/eval/run-all.js'

const folder = mkdtempSync(join(tmpdir(), 'trtllm-eval-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, value: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

const item = {
  id: 'a',
  category: 'sum',
  messages: [{ role: 'user', content: '1 + 1?' }],
  tools: null,
  expected: '2',
  max_new: 8,
}

describe('a dataset', () => {
  it('is a list of items', () => {
    const { category: _, tools: __, ...bare } = item
    expect(readEvalItems(file('items.json', [item, { ...bare, id: 'b' }]))).toEqual([
      { id: 'a', category: 'sum', messages: item.messages, tools: [], expected: '2', maxNew: 8 },
      { id: 'b', category: 'all', messages: item.messages, tools: [], expected: '2', maxNew: 8 },
    ])
  })

  it.each<[unknown, string]>([
    ['[{', 'bad.json: expected JSON, found 2 bytes that are none: '],
    [{ a: 1 }, 'bad.json: expected a list of items, found {"a":1}'],
    [[], 'bad.json: expected at least one of items, found an empty list'],
    [[item, 3], 'bad.json: item 1: expected an object, found 3'],
    [[{ ...item, id: 7 }], 'bad.json: item 0: id: expected a name, found 7'],
    [[item, item], 'bad.json: item 1: expected an id of its own, found a, which item 0 has'],
    [[{ ...item, messages: [] }], 'bad.json: item 0 (a): messages: expected at least one of chat messages'],
    [[{ ...item, messages: ['hi'] }], 'bad.json: item 0 (a): messages[0]: expected an object, found "hi"'],
    [
      [{ ...item, messages: [{}] }],
      'bad.json: item 0 (a): messages[0]: role: expected a name such as "user"',
    ],
    [[{ ...item, tools: {} }], 'bad.json: item 0 (a): tools: expected a list of tools, found {}'],
    [[{ ...item, expected: null }], 'bad.json: item 0 (a): expected: expected a string, found null'],
    [[{ ...item, max_new: 0 }], 'bad.json: item 0 (a): max_new: expected a whole number above 0, found 0'],
  ])('is refused: %j', (value, message) => {
    expect(() => readEvalItems(file('bad.json', value))).toThrow(
      expect.objectContaining({ exitCode: 65, message: expect.stringContaining(message) }) as Error,
    )
  })

  it('must be a file', () => {
    const refusal = (message: string) => expect.objectContaining({ exitCode: 64, message }) as Error
    const missing = join(folder, 'no.json')
    expect(() => readEvalItems(missing)).toThrow(refusal(`--dataset ${missing}: not found; expected a file`))
    expect(() => readEvalItems(folder)).toThrow(refusal(`--dataset ${folder}: is a folder; expected a file`))
  })
})

describe('a golden', () => {
  const prompt = {
    ...{ id: 'g', ids: [1, 2], prompt_nll: 1.5, logsumexp: 3, top_ids: [4, 5], top_logits: [2, 1] },
    ...{ greedy: [4, 9, 7], gaps: [1, 0.5, 2] },
  }
  const golden = (fields: object, meta: unknown = { stop_ids: [9] }) => ({
    meta,
    prompts: [{ ...prompt, ...fields }],
  })

  it('is read up to the first stop id', () => {
    expect(readGoldenFile(file('golden.json', golden({}))).prompts).toEqual([
      {
        ...{ id: 'g', ids: [1, 2], promptNll: 1.5, logsumexp: 3, topIds: [4, 5], topLogits: [2, 1] },
        ...{ greedy: [4, 9], gaps: [1, 0.5] },
      },
    ])
  })

  it('may store less', () => {
    const path = file('golden.json', { meta: { stop_ids: [] }, prompts: [{ ids: [1] }] })
    expect(readGoldenFile(path).prompts).toEqual([
      { id: '0', ids: [1], topIds: [], topLogits: [], greedy: [], gaps: [] },
    ])
  })

  it.each<[unknown, string]>([
    [[], 'bad.json: expected an object, found []'],
    [{ prompts: [] }, 'bad.json: meta: expected an object with stop_ids, found nothing'],
    [golden({}, {}), 'bad.json: meta: stop_ids: expected a list of token ids, found nothing'],
    [{ meta: { stop_ids: [] } }, 'bad.json: prompts: expected a list of prompts, found nothing'],
    [golden({ ids: [1.5] }), 'bad.json: prompt 0 (g): ids: expected a list of token ids, found [1.5]'],
    [golden({ ids: [] }), 'bad.json: prompt 0 (g): ids: expected at least one of token ids'],
    [golden({ prompt_nll: 'x' }), 'bad.json: prompt 0 (g): prompt_nll: expected a number, found "x"'],
    [golden({ top_logits: [1] }), 'top_logits: expected 2 numbers, one for each of top_ids, found 1'],
    [
      golden({ gaps: [1] }),
      'bad.json: prompt 0 (g): gaps: expected 3 numbers, one for each of greedy, found 1',
    ],
  ])('is refused: %j', (value, message) => {
    expect(() => readGoldenFile(file('bad.json', value))).toThrow(
      expect.objectContaining({ exitCode: 65, message: expect.stringContaining(message) }) as Error,
    )
  })
})

describe('texts', () => {
  it('are a file as it stands, or a list', () => {
    expect(readTexts(file('one.txt', ' A tale.\n'))).toEqual([' A tale.\n'])
    expect(readTexts(file('two.json', ['One.', 'Two.']))).toEqual(['One.', 'Two.'])
  })

  it.each<[string, unknown, string]>([
    ['bad.txt', '', 'bad.txt: expected a text, found an empty file'],
    ['bad.json', ['a', ''], 'bad.json: text 1: expected a string that is not empty, found ""'],
    ['bad.json', ['a', 5], 'bad.json: text 1: expected a string that is not empty, found 5'],
    ['bad.json', [], 'bad.json: expected at least one of texts, found an empty list'],
    ['bad.json', 'A tale.', 'bad.json: expected JSON, found 7 bytes that are none'],
  ])('%s is refused: %j', (name, value, message) => {
    expect(() => readTexts(file(name, value))).toThrow(
      expect.objectContaining({ exitCode: 65, message: expect.stringContaining(message) }) as Error,
    )
  })

  it('are summed up by token and by byte', () => {
    const report = perplexityReport(
      ['ab', 'é'],
      [
        { nll: 3, tokens: 2 },
        { nll: 1, tokens: 2 },
      ],
    )
    expect(report).toEqual({
      story_nll_mean: 1,
      story_ppl_per_token: Math.E,
      story_bits_per_byte: 1 / Math.LN2,
      story_tokens: 4,
      story_nll: [3, 1],
    })
  })
})

describe('answers', () => {
  it('count when they equal what was expected', () => {
    const items = ['a', 'b', 'c'].map((id) => ({
      ...{ id, category: id === 'c' ? 'other' : 'sum', messages: [], tools: [], expected: '2', maxNew: 8 },
    }))
    expect(exactMatchReport(items, ['2', '2 ', '2'])).toEqual({
      accuracy: 2 / 3,
      correct: 2,
      n: 3,
      by_category: { sum: '1/2', other: '1/1' },
      wrong: [{ id: 'b', category: 'sum', got: '2 ', want: '2' }],
      outputs: { a: '2', b: '2 ', c: '2' },
    })
  })
})

describe('running all', () => {
  const options = { limit: 2, signal: new AbortController().signal, onDone: () => {} }

  it('ends when it is told to', async () => {
    const end = new AbortController()
    const run = runAll(
      [1, 2, 3],
      { ...options, signal: end.signal, onDone: () => end.abort(new Error('enough')) },
      () => Promise.resolve(),
    )
    await expect(run).rejects.toThrow('enough')
  })

  it('keeps the order and the limit', async () => {
    let [running, done] = [0, 0]
    let most = 0
    const results = await runAll([5, 1, 4, 2, 3], { ...options, onDone: () => done++ }, async (turns) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      running--
      return turns * 10
    })
    expect([results, most, done]).toEqual([[50, 10, 40, 20, 30], 2, 5])
  })

  it('ends the others by the first failure', async () => {
    const begun: number[] = []
    const run = runAll([0, 1, 2, 3], options, (item, _, signal) => {
      begun.push(item)
      if (item === 0) return Promise.reject(new Error('item 0'))
      return new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    await expect(run).rejects.toThrow('item 0')
    expect(begun).toEqual([0, 1])
  })
})
