import { describe, expect, it } from 'vitest'
import { comparePrompt, deviation, offenders, severity, summarize } from '../src/eval/compare-logits.js'
import type { GoldenPrompt } from '../src/eval/golden-file.js'
import { type FoundPrompt, GoldenScorer, scoredIds } from '../src/eval/golden-scorer.js'
import { logSumExp, negativeLogProbability } from '../src/eval/log-sum-exp.js'
import { defaultTolerances } from '../src/eval/tolerances.js'

const f32 = defaultTolerances.f32

/** Logits of a vocabulary of 6 after each of the tokens 2, 4, 1, 3. */
const rows = [
  [0.5, 1, 0, -1, 3, 2],
  [0, 4, 1, 1, 0, -2],
  [1, -1, 2, 5, 4.5, 0],
  [0, 3, 1, -3, 2.9995, 1],
].map((row) => Float32Array.from(row))

const exact = (row: Float32Array) => Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0))

/** The prompt 2, 4, 1; answered by 3, 1. */
const golden: GoldenPrompt = {
  id: 'g0',
  ids: [2, 4, 1],
  promptNll: exact(rows[0]!) - 3 + (exact(rows[1]!) - 4),
  logsumexp: exact(rows[2]!),
  topIds: [3, 4, 2],
  topLogits: [5, 4.5, 2],
  greedy: [3, 1],
  gaps: [0.5, 0.0005],
}

function score(all: readonly Float32Array[] = rows, prompt = golden): FoundPrompt {
  const scorer = new GoldenScorer(prompt)
  for (const [position, row] of all.entries()) scorer.row(position, row)
  return scorer.found()
}

/** The rows with one logit set. */
function withLogit(position: number, token: number, logit: number): Float32Array[] {
  return rows.map((row, i) => row.map((value, id) => (i === position && id === token ? logit : value)))
}

const wrongOf = (all: readonly Float32Array[], limits = f32) =>
  offenders(comparePrompt(golden, score(all), limits)).map(({ kind, which }) => `${kind} ${which}`.trim())

describe('a golden against the logits it was made from', () => {
  it('asks for every token that has a known successor, and the last of the prompt', () => {
    expect(scoredIds(golden)).toEqual([2, 4, 1, 3])
    expect(scoredIds({ ...golden, greedy: [], gaps: [] })).toEqual([2, 4, 1])
  })

  it('compares every number it stores, and all hold', () => {
    const compared = comparePrompt(golden, score(), f32)
    expect(summarize(compared).map(({ kind, compared, beyond }) => [kind, compared, beyond])).toEqual([
      ['top logit', 3, 0],
      ['logsumexp', 1, 0],
      ['prompt NLL', 1, 0],
      ['greedy token', 2, 0],
      ['gap', 2, 0],
    ])
    expect(compared).toHaveLength(9)
  })

  it('compares nothing where nothing is stored', () => {
    const empty = { id: 'empty', ids: [1], topIds: [], topLogits: [], greedy: [], gaps: [] }
    expect(comparePrompt(empty, score(rows, empty), f32)).toEqual([])
  })

  it('takes rows in any order', () => {
    const scorer = new GoldenScorer(golden)
    for (const position of [3, 1, 0, 2]) scorer.row(position, rows[position]!)
    expect(scorer.found()).toEqual(score())
  })
})

describe('a planted fault is found', () => {
  const logit = f32.logit * deviation(golden.topLogits)

  it('a logit beyond its tolerance, and not one within', () => {
    expect(deviation(golden.topLogits)).toBeGreaterThan(1)
    expect(wrongOf(withLogit(2, 2, 2 + 0.9 * logit))).toEqual([])
    expect(wrongOf(withLogit(2, 2, 2 + 3 * logit))).toEqual(['top logit token 2'])
    expect(wrongOf(withLogit(2, 2, 2 - 3 * logit))).toEqual(['top logit token 2'])
  })

  it('a logsumexp, by logits that are not among the stored ones', () => {
    expect(wrongOf(withLogit(2, 0, 1.6))).toEqual(['logsumexp'])
  })

  it('a prompt NLL', () => {
    expect(wrongOf(withLogit(0, 4, 3.01))).toEqual(['prompt NLL'])
  })

  it('another most likely token where the stored gap is large', () => {
    const wrong = wrongOf(withLogit(2, 0, 5.1))
    expect(wrong).toContain('greedy token step 0')
    expect(wrong).toContain('gap step 0')
    // A wider tolerance for logits does not excuse it.
    expect(wrongOf(withLogit(2, 0, 5.1), { ...f32, logit: 9, logsumexp: 9 })).toEqual(['greedy token step 0'])
  })

  it('but another token where the stored gap is small is none', () => {
    expect(wrongOf(withLogit(3, 4, 3.0005))).toEqual([])
    expect(wrongOf(withLogit(3, 4, 3.0005), { ...f32, argmaxGap: 0.0005 })).toEqual(['greedy token step 1'])
  })

  it('another token where no gap is stored', () => {
    const prompt = { ...golden, gaps: [] }
    const found = score(withLogit(3, 4, 3.0005), prompt)
    expect(offenders(comparePrompt(prompt, found, f32)).map(({ which }) => which)).toEqual(['step 1'])
  })

  it('a NaN wherever it stands, also at a small gap', () => {
    expect(wrongOf(withLogit(0, 0, Number.NaN))).toEqual(['prompt NLL'])
    expect(wrongOf(withLogit(2, 4, Number.NaN))).toEqual(
      expect.arrayContaining(['top logit token 4', 'logsumexp', 'greedy token step 0', 'gap step 0']),
    )
    expect(wrongOf(withLogit(3, 0, Number.NaN))).toEqual(['greedy token step 1', 'gap step 1'])
  })

  it('an infinity', () => {
    expect(wrongOf(withLogit(2, 5, Infinity))).toEqual(
      expect.arrayContaining(['logsumexp', 'greedy token step 0', 'gap step 0']),
    )
  })

  it('a row that never came', () => {
    expect(wrongOf(rows.slice(0, 3))).toEqual(['greedy token step 1', 'gap step 1'])
    expect(wrongOf(rows.slice(0, 2))).toHaveLength(3 + 1 + 2 + 2)
  })

  it('and the worst comes first', () => {
    const all = withLogit(2, 2, 3)
    all[2]![4] = 4.6
    const found = offenders(comparePrompt(golden, score(all), f32))
    expect(found[0]).toMatchObject({ kind: 'top logit', which: 'token 2' })
    expect(found.map(severity)).toEqual(found.map(severity).sort((a, b) => b - a))
  })
})

describe('log-sum-exp', () => {
  it('is exact for large logits', () => {
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 10)
    expect(negativeLogProbability(Float32Array.of(0, 0, 0, 0), 1)).toBeCloseTo(Math.log(4), 12)
  })

  it('is NaN for NaN', () => {
    expect(logSumExp(Float32Array.of(1, Number.NaN))).toBeNaN()
  })
})
