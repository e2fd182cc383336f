import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { concatWords, samplingRecord } from '../../src/op-cases.js'
import { OpRunner } from '../../src/op-runner.js'
import { rowTasks, samplingWordsPerSlot } from '../../src/sampling-words.js'
import { logprobs } from './logprobs.op.js'

/** A row for each list of logits; row r uses slot r. */
async function run(
  isa: string,
  logits: readonly (readonly number[])[],
  token: readonly number[],
  wanted: number[],
  more: { task?: number; record?: object; processed?: readonly number[] } = {},
) {
  const { task = rowTasks.sample, record = {}, processed = [] } = more
  using device = Device.open('cpu', { isa })
  using runner = new OpRunner(device)
  const inputs = {
    logits: Float32Array.from(logits.flat()),
    processed: Float32Array.from(processed.length > 0 ? processed : logits.flat().fill(NaN)),
    token: Int32Array.from(token),
    rowSlot: Int32Array.from(logits.keys()),
    rowSample: new Int32Array(logits.length).fill(task),
    rowTarget: Int32Array.from(token),
    sampling: concatWords(
      wanted.map((count) =>
        samplingRecord({
          numLogprobs: task === rowTasks.sample ? count : -1,
          numPromptLogprobs: task === rowTasks.score ? count : -1,
          numCandidates: task === rowTasks.candidates ? count : 0,
          ...record,
        }),
      ),
    ),
  }
  const dims = {
    rows: logits.length,
    vocab: logits[0]?.length ?? 1,
    slots: wanted.length,
    samplingWords: samplingWordsPerSlot,
  }
  const results = await runner.run(
    { ...logprobs, makeInputs: () => inputs },
    { name: 'test', dims, dtype: 'f32' },
  )
  const [chosen = [], rank = [], ids = [], values = []] = results.map((values) => [...values])
  return logits.map((_, row) => ({
    chosen: chosen[row],
    rank: rank[row],
    ids: ids.slice(row * 20, row * 20 + 20),
    values: values.slice(row * 20, row * 20 + 20),
  }))
}

describe.each(cpuIsa().all)('logprobs on %s', (isa) => {
  const row = [0.5, 2, -1, 2, 7, -30, 0.25]
  const normalizer = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0))

  it('gives the chosen id, its rank and the best ids, ties by id', async () => {
    const [three, all] = await run(isa, [row, row], [3, 5], [3, 20])
    expect(three?.chosen).toBeCloseTo(2 - normalizer, 6)
    expect(three?.rank).toBe(2)
    expect(three?.ids).toEqual([4, 1, 3, ...new Array(17).fill(-1)])
    expect(three?.values[0]).toBeCloseTo(7 - normalizer, 6)
    expect(three?.values.slice(3)).toEqual(new Array(17).fill(0))
    expect(all?.rank).toBe(7)
    expect(all?.ids).toEqual([4, 1, 3, 0, 6, 2, 5, ...new Array(13).fill(-1)])
  })

  it('leaves rows blank that do not ask or were not sampled', async () => {
    const blank = { chosen: 0, rank: 0, ids: new Array(20).fill(-1), values: new Array(20).fill(0) }
    const [unasked, unsampled, own] = await run(isa, [row, row, row], [3, -1, 4], [-1, 5, 0])
    expect(unasked).toEqual(blank)
    expect(unsampled).toEqual(blank)
    expect(own).toMatchObject({ rank: 1, ids: blank.ids })
    expect(own?.chosen).toBeCloseTo(7 - normalizer, 6)
  })

  it('scores the target of a row and no token it sampled', async () => {
    const [scored, unasked] = await run(isa, [row, row], [5, 5], [2, -1], { task: rowTasks.score })
    expect(scored?.chosen).toBeCloseTo(-30 - normalizer, 5)
    expect(scored).toMatchObject({ rank: 7, ids: [4, 1, ...new Array(18).fill(-1)] })
    expect(unasked).toMatchObject({ rank: 0, chosen: 0 })
    const sampled = await run(isa, [row], [5], [2], {
      task: rowTasks.score,
      record: { numPromptLogprobs: -1 },
    })
    expect(sampled[0]).toMatchObject({ rank: 0, chosen: 0 })
  })

  it('lists candidates: log probabilities of the logits, or those of penalize as they are', async () => {
    const task = rowTasks.candidates
    const [plain] = await run(isa, [row], [-1], [3], { task })
    expect(plain).toMatchObject({ chosen: 0, rank: 0 })
    expect(plain?.ids.slice(0, 4)).toEqual([4, 1, 3, -1])
    expect(plain?.values[1]).toBeCloseTo(2 - normalizer, 6)
    const processed = [-1, -Infinity, -0.5, -3, -2, -4, -1]
    const [listed] = await run(isa, [row], [-1], [4], { task, record: { processes: 1 }, processed })
    expect(listed?.ids.slice(0, 5)).toEqual([2, 0, 6, 4, -1])
    expect(listed?.values.slice(0, 4)).toEqual([-0.5, -1, -1, -2])
  })

  it('counts NaN as impossible', async () => {
    const [result] = await run(isa, [[NaN, 0, 0, NaN]], [1], [4])
    expect(result?.chosen).toBeCloseTo(Math.log(0.5), 6)
    expect(result?.ids.slice(0, 4)).toEqual([1, 2, 0, 3])
    expect(result?.values.slice(2, 4)).toEqual([-Infinity, -Infinity])
  })
})
