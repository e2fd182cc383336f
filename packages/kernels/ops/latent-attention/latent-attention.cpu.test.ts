import { describe, expect, it } from 'vitest'
import type { FloatDType } from '../../src/dtype.js'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { namedRandom } from '../../src/parity-operands.js'
import { latentAttention } from './latent-attention.op.js'

const [heads, nopeDim, ropeDim, rank, valueDim] = [5, 12, 6, 40, 18]
const context = 131
const pages = 12
const scale = 0.3
const width = rank + ropeDim
const random = namedRandom('latent attention test')
const uniform = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1)
const queries = uniform(context * heads * nopeDim)
const queryPe = uniform(context * heads * ropeDim)
const weight = uniform(heads * (nopeDim + valueDim) * rank)
const cache = uniform(pages * 32 * width)
const pageTable = Int32Array.of(-1, -1, -1, -1, -1, 7, 2, 11, 0, 5, 1, 1, 1, 1, 1)

// Sequences of slot 1 (pages 7 2 11 0 5): `spans` are [first position, one past the last] of the queries of each.
async function attend(runner: OpRunner, spans: readonly [number, number][], dtype: FloatDType) {
  const tokens = spans.reduce((sum, [from, to]) => sum + to - from, 0)
  const gathered = (source: Float32Array, row: number) => {
    const rows = new Float32Array(tokens * row)
    let at = 0
    for (const [from, to] of spans) {
      rows.set(source.subarray(from * row, to * row), at)
      at += (to - from) * row
    }
    return rows
  }
  const seqStart = new Int32Array(spans.length + 1)
  for (const [i, [from, to]] of spans.entries()) seqStart[i + 1] = seqStart[i]! + to - from
  const schema = {
    ...latentAttention,
    makeInputs: () => ({
      q: gathered(queries, heads * nopeDim),
      qPe: gathered(queryPe, heads * ropeDim),
      weight,
      cache,
      pageTable,
      seqStart,
      seqSlot: new Int32Array(spans.length).fill(1),
      seqContext: Int32Array.from(spans, ([, to]) => to),
    }),
  }
  const dims = {
    ...{ tokens, heads, nopeDim, ropeDim, rank, width, valueDim, weightRows: heads * (nopeDim + valueDim) },
    ...{ seqs: spans.length, seqsPlusOne: spans.length + 1, slots: 3, maxPages: 5, pages, pageTokens: 32 },
  }
  const [y] = await runner.run(schema, { name: 'test', dims, dtype, attributes: { scale, valueDim } })
  return y ?? new Float64Array(0)
}

/** With the key and value of the head written out for every cached token. */
function reference(position: number, head: number): number[] {
  const row = (i: number) => weight.subarray((head * (nopeDim + valueDim) + i) * rank)
  const cached = (p: number) =>
    cache.subarray(((pageTable[5 + Math.floor(p / 32)] ?? 0) * 32 + (p % 32)) * width)
  const dot = (a: Float32Array, b: Float32Array, count: number) => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += a[i]! * b[i]!
    return sum
  }
  const weights: number[] = []
  for (let p = 0; p <= position; p++) {
    let score = dot(queryPe.subarray((position * heads + head) * ropeDim), cached(p).subarray(rank), ropeDim)
    for (let i = 0; i < nopeDim; i++)
      score += queries[(position * heads + head) * nopeDim + i]! * dot(row(i), cached(p), rank)
    weights.push(Math.exp(score * scale))
  }
  const total = weights.reduce((sum, weight) => sum + weight)
  return Array.from({ length: valueDim }, (_, i) =>
    weights.reduce((sum, weight, p) => sum + (weight / total) * dot(row(nopeDim + i), cached(p), rank), 0),
  )
}

describe.each(cpuIsa().all)('latent attention on %s', (isa) => {
  it('is softmax(q k) v with keys and values made of the latent', async () => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    const y = await attend(runner, [[0, context]], 'f32')
    for (const position of [0, 1, 31, 32, 63, 64, 130]) {
      for (const head of [0, 3, 4]) {
        const from = (position * heads + head) * valueDim
        for (const [i, value] of reference(position, head).entries()) {
          expect(y[from + i]).toBeCloseTo(value, 4)
        }
      }
    }
  })

  it.each(['f32', 'f16', 'bf16'] as const)(
    'gives a %s query the same bits in any chunk and batch',
    async (dtype) => {
      using device = Device.open('cpu', { isa, threads: 2 })
      using runner = new OpRunner(device)
      const full = await attend(runner, [[0, context]], dtype)
      const chunked: [number, number][] = [
        [0, 1],
        [1, 34],
        [34, 34],
        [34, 64],
        [64, 99],
        [99, context],
      ]
      expect(await attend(runner, chunked, dtype)).toEqual(full)
      const row = heads * valueDim
      for (const position of [0, 31, 32, 77, 130]) {
        const alone = await attend(runner, [[position, position + 1]], dtype)
        expect(alone).toEqual(full.slice(position * row, (position + 1) * row))
      }
    },
  )

  it('refuses a position without a page', async () => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    pageTable[9] = pages
    await expect(attend(runner, [[120, context]], 'f32')).rejects.toThrow(
      'slot 1 has no page for position 128',
    )
    pageTable[9] = 5
  })
})
