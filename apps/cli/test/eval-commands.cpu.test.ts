import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { trtllm } from './in-process.js'

const golden = (name: string) => fileURLToPath(new URL(`goldens/eval/${name}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'trtllm-eval-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface StoredPrompt {
  ids: number[]
  top_logits: number[]
  greedy: number[]
  gaps: number[]
}
interface Stored {
  meta: unknown
  prompts: StoredPrompt[]
}

/** The first prompt of the stored golden with something changed, as a file. */
function planted(change: (prompt: StoredPrompt) => void): string {
  const stored = JSON.parse(readFileSync(golden('tales.golden.json'), 'utf8')) as Stored
  const prompts = stored.prompts.slice(0, 1)
  change(prompts[0]!)
  const file = join(folder, 'planted.json')
  writeFileSync(file, JSON.stringify({ meta: stored.meta, prompts }))
  return file
}

const f32 = ['--device', 'cpu', '--dtype', 'f32']
const logits = (file: string, ...more: string[]) =>
  trtllm(['eval', 'logits', '--golden', file, ...f32, ...more])

describe('eval logits', () => {
  it('passes and says how many numbers it compared', async () => {
    const { code, stdout, stderr } = await logits(golden('tales.golden.json'))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^model in f32 on cpu: compared 1398 numbers\n/)
    expect(stdout).toMatch(/\nall within their tolerances\n$/)
  })

  it('fails where a logit is beyond its tolerance, with a table of the worst', async () => {
    const file = planted(({ top_logits }) => {
      top_logits[31]! += 0.02
    })
    const { code, stdout } = await logits(file)
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /\n1 beyond their tolerances:\nprompt +number +expected +found +difference +allowed\n/,
    )
    expect(stdout).toMatch(/\ndev-g06 +top logit token \d+ +[\d.]+ +[\d.]+ +2\.00e-2 +[\d.e-]+\n$/)
    expect((await logits(file, '--logit-tolerance', '0.05')).code).toBe(0)
  })

  it('fails where another token wins by far, whatever the logits may differ', async () => {
    const file = planted((prompt) => {
      const last = prompt.greedy.length - 1
      prompt.greedy[last] = 7
      prompt.gaps[last] = 5
    })
    const { code, stdout } = await logits(file, '--logit-tolerance', '100', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      passed: false,
      beyond: 1,
      offenders: [{ kind: 'greedy token', expected: 7, difference: 5, allowed: 0.001 }],
    })
  })

  it('fails where there is nothing to compare', async () => {
    const file = join(folder, 'empty.json')
    for (const prompts of [[], [{ ids: [0, 5] }]]) {
      writeFileSync(file, JSON.stringify({ meta: { stop_ids: [] }, prompts }))
      const { code, stdout } = await logits(file)
      expect(code).toBe(1)
      expect(stdout).toBe(
        'model in f32 on cpu: compared 0 numbers; the golden stores none, so nothing was shown\n',
      )
    }
  })
})

describe('eval exact-match', () => {
  it('writes its report to a file and the score to stdout', async () => {
    const report = join(folder, 'report.json')
    const argv = ['eval', 'exact-match', '--dataset', golden('items.json'), '--limit', '3', '--json', report]
    const { code, stdout } = await trtllm([...argv, ...f32])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^model in f32 on cpu: 2 of 3 right, 66\.67 %, in [\d.]+ s\nqa_who +1\/2\nqa_where +1\/1\n/,
    )
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({
      accuracy: 2 / 3,
      ...{ correct: 2, n: 3, by_category: { qa_who: '1/2', qa_where: '1/1' } },
      outputs: { 'dev-000': 'Amos.', 'dev-011': 'Her aunt.', 'dev-025': 'In the dark greenhouse.' },
    })
  })
})

describe('eval perplexity', () => {
  it('prints nothing but its report with a bare --json', async () => {
    const argv = ['eval', 'perplexity', '--text', golden('stories.json'), ...f32]
    const [whole, bare] = [
      await trtllm([...argv, '--json']),
      await trtllm([...argv, '--no-eos', '--json', '-']),
    ]
    const [withEos, without] = [whole, bare].map(({ stdout }) => JSON.parse(stdout) as Record<string, number>)
    expect(withEos).toMatchObject({ n: 6, dtype: 'f32', device: 'cpu' })
    expect(withEos!.story_tokens! - without!.story_tokens!).toBe(6)
    expect(withEos!.story_nll_mean).toBeCloseTo(0.58, 1)
  })
})

describe('an evaluation that cannot be', () => {
  it.each([
    ['eval logits', 64, 'trtllm eval logits: --golden is needed; see --help.\n'],
    ['eval exact-match --dataset /nowhere.json', 64, '/nowhere.json: not found; expected a file\n'],
    [
      `eval perplexity --text ${golden('stories.json')} --json /nowhere/report.json`,
      64,
      '/nowhere is no folder',
    ],
    [
      `eval logits --golden ${golden('items.json')}`,
      65,
      'items.json: expected an object, found a list of 25\n',
    ],
    [
      `eval logits --golden ${golden('tales.golden.json')} --disabled-passes some`,
      64,
      'no pass is called some',
    ],
    [
      `eval exact-match --dataset ${golden('items.json')} --limit 0`,
      64,
      '--limit must be an integer from 1 to',
    ],
  ])('%s', async (line, exitCode, message) => {
    const { code, stdout, stderr } = await trtllm([...line.split(' '), '--device', 'cpu'])
    expect([code, stdout]).toEqual([exitCode, ''])
    expect(stderr).toContain(message)
  })

  it('ends by a signal', async () => {
    const reason = new Error('enough')
    const { code } = await trtllm(['eval', 'perplexity', '--text', golden('stories.json'), ...f32], {
      signal: AbortSignal.abort(reason),
    })
    expect(code).not.toBe(0)
  })
})
