import { describe, expect, it } from 'vitest'
import type { CacheDType, FloatDType } from '../../src/dtype.js'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { namedRandom } from '../../src/parity-operands.js'
import { pagedAttention } from './paged-attention.op.js'

const heads = 6
const kvHeads = 2
const headDim = 48
const context = 131
const pages = 12
const scale = headDim ** -0.5
const random = namedRandom('attention test')
const uniform = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1)
const queries = uniform(context * heads * headDim)
const cache = uniform(pages * 2 * kvHeads * 32 * headDim)
const pageTable = Int32Array.of(-1, -1, -1, -1, -1, 7, 2, 11, 0, 5, 1, 1, 1, 1, 1)

// Sequences of slot 1 (pages 7 2 11 0 5): `spans` are [first position, one past the last] of the queries of each.
async function attend(
  runner: OpRunner,
  spans: readonly [number, number][],
  dtype: FloatDType,
  window: number,
  softcap = 0,
  sinks?: Float32Array,
  cacheDtype: CacheDType = dtype,
) {
  const row = heads * headDim
  const parts = spans.map(([from, to]) => queries.subarray(from * row, to * row))
  const q = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  const seqStart = new Int32Array(spans.length + 1)
  parts.forEach((part, i) => {
    q.set(part, (seqStart[i] ?? 0) * row)
    seqStart[i + 1] = (seqStart[i] ?? 0) + part.length / row
  })
  const schema = {
    ...pagedAttention,
    makeInputs: () => ({
      q,
      cache,
      pageTable,
      seqStart,
      seqSlot: new Int32Array(spans.length).fill(1),
      seqContext: Int32Array.from(spans, ([, to]) => to),
      ...(sinks && { sinks }),
    }),
  }
  const dims = {
    tokens: q.length / row,
    heads,
    kvHeads,
    headDim,
    seqs: spans.length,
    seqsPlusOne: spans.length + 1,
    slots: 3,
    maxPages: 5,
    pages,
    pageTokens: 32,
  }
  const without = sinks ? [] : ['sinks']
  const attributes = { scale, window, softcap }
  const [y] = await runner.run(schema, { name: 'test', dims, dtype, cacheDtype, attributes, without })
  return y ?? new Float64Array(0)
}

function reference(
  position: number,
  head: number,
  window: number,
  softcap: number,
  sink = Number.NEGATIVE_INFINITY,
): number[] {
  const kvHead = Math.floor(head / (heads / kvHeads))
  const q = queries.subarray((position * heads + head) * headDim)
  const first = window > 0 ? Math.max(0, position - window + 1) : 0
  const at = (p: number, part: number) => {
    const page = pageTable[5 + Math.floor(p / 32)] ?? 0
    return (((page * 2 + part) * kvHeads + kvHead) * 32 + (p % 32)) * headDim
  }
  const weights: number[] = []
  for (let p = first; p <= position; p++) {
    let score = 0
    for (let i = 0; i < headDim; i++) score += (q[i] ?? 0) * (cache[at(p, 0) + i] ?? 0)
    score *= scale
    weights.push(Math.exp(softcap > 0 ? softcap * Math.tanh(score / softcap) : score))
  }
  const total = weights.reduce((sum, weight) => sum + weight, Math.exp(sink))
  return Array.from({ length: headDim }, (_, i) =>
    weights.reduce((sum, weight, j) => sum + (weight / total) * (cache[at(first + j, 1) + i] ?? 0), 0),
  )
}

describe.each(cpuIsa().all)('paged attention on %s', (isa) => {
  it.each([
    [0, 0],
    [40, 0],
    [0, 0.3],
    [40, 2],
  ])('is softmax(q k) v with window %i, soft cap %d', async (window, softcap) => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    const y = await attend(runner, [[0, context]], 'f32', window, softcap)
    for (const position of [0, 1, 31, 32, 39, 40, 63, 64, 100, 130]) {
      for (const head of [0, 2, 3, 5]) {
        const from = (position * heads + head) * headDim
        for (const [i, value] of reference(position, head, window, softcap).entries()) {
          expect(y[from + i]).toBeCloseTo(value, 4)
        }
      }
    }
  })

  it('lets a sink take its share of the weights, and all of them where it is large', async () => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    const sinks = Float32Array.of(0.5, -3, 4, 1000, -1000, 2)
    const y = await attend(runner, [[0, context]], 'f32', 40, 0, sinks)
    for (const position of [0, 33, 130]) {
      for (const [head, sink] of sinks.entries()) {
        const from = (position * heads + head) * headDim
        for (const [i, value] of reference(position, head, 40, 0, sink).entries()) {
          expect(y[from + i]).toBeCloseTo(value, 4)
        }
      }
    }
  })

  it.each([
    ['f32', 'f32'],
    ['f16', 'f16'],
    ['bf16', 'bf16'],
    ['f32', 'f8'],
    ['bf16', 'f8'],
  ] as const)(
    'gives a %s query over %s pages the same bits in any chunk and batch',
    async (dtype, cacheDtype) => {
      using device = Device.open('cpu', { isa, threads: 2 })
      using runner = new OpRunner(device)
      const over = (spans: readonly [number, number][], window: number) =>
        attend(runner, spans, dtype, window, 0, undefined, cacheDtype)
      for (const window of [0, 1, 40]) {
        const full = await over([[0, context]], window)
        const row = heads * headDim
        const chunked: [number, number][] = [
          [0, 1],
          [1, 34],
          [34, 34],
          [34, 64],
          [64, 99],
          [99, context],
        ]
        expect(await over(chunked, window)).toEqual(full)
        for (const position of [0, 31, 32, 77, 130]) {
          const alone = await over([[position, position + 1]], window)
          expect(alone).toEqual(full.slice(position * row, (position + 1) * row))
        }
      }
    },
  )

  it('refuses a position without a page', async () => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    pageTable[9] = pages
    await expect(attend(runner, [[120, context]], 'f32', 0)).rejects.toThrow(
      'slot 1 has no page for position 128',
    )
    pageTable[9] = 5
  })
})
