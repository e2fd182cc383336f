import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { concatWords, samplingRecord } from '../../src/op-cases.js'
import { OpRunner } from '../../src/op-runner.js'
import { logprobs } from './logprobs.op.js'

async function run(
  isa: string,
  logits: readonly (readonly number[])[],
  token: readonly number[],
  wanted: number[],
) {
  using device = Device.open('cpu', { isa })
  using runner = new OpRunner(device)
  const inputs = {
    logits: Float32Array.from(logits.flat()),
    token: Int32Array.from(token),
    rowSlot: Int32Array.from(logits.keys()),
    sampling: concatWords(wanted.map((numLogprobs) => samplingRecord({ numLogprobs }))),
  }
  const dims = { rows: logits.length, vocab: logits[0]?.length ?? 1, slots: wanted.length, samplingWords: 16 }
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

  it('counts NaN as impossible', async () => {
    const [result] = await run(isa, [[NaN, 0, 0, NaN]], [1], [4])
    expect(result?.chosen).toBeCloseTo(Math.log(0.5), 6)
    expect(result?.ids.slice(0, 4)).toEqual([1, 2, 0, 3])
    expect(result?.values.slice(2, 4)).toEqual([-Infinity, -Infinity])
  })
})
