import { describe, expect, it } from 'vitest'
import type { OpCase } from '../../src/define-op.js'
import { cpuIsa, Device } from '../../src/index.js'
import { concatWords, type SamplingRecord, samplingRecord } from '../../src/op-cases.js'
import { OpRunner } from '../../src/op-runner.js'
import { namedRandom } from '../../src/parity-operands.js'
import { sampleInputs } from '../../src/sampling-cases.js'
import { rowTasks, samplingWords, samplingWordsPerSlot } from '../../src/sampling-words.js'
import { sample } from './sample.op.js'

// Philox4x32-10 on arbitrary-precision integers.
function philox(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn
  let [a = 0n, b = 0n, c = 0n, d = 0n] = counter.map(BigInt)
  let [k = 0n, l = 0n] = key.map(BigInt)
  for (let round = 0; round < 10; round++) {
    const first = 0xd2511f53n * a
    const second = 0xcd9e8d57n * c
    ;[a, b, c, d] = [(second >> 32n) ^ b ^ k, second & mask, (first >> 32n) ^ d ^ l, first & mask]
    k = (k + 0x9e3779b9n) & mask
    l = (l + 0xbb67ae85n) & mask
  }
  return [a, b, c, d].map(Number)
}

it('the reference generator gives the published Random123 vectors', () => {
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  const ones = 0xffffffff
  expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
    0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
  ])
  expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ])
})

function reference(opCase: OpCase, inputs: ReturnType<typeof sampleInputs>, row: number): number {
  const { vocab = 1, length = 1 } = opCase.dims
  if (inputs.rowSample[row] !== rowTasks.sample) return -1
  const view = new DataView(inputs.sampling.buffer, row * samplingWordsPerSlot * 4)
  const float = (name: keyof typeof samplingWords) => view.getFloat32(samplingWords[name] * 4, true)
  const integer = (name: keyof typeof samplingWords) => view.getInt32(samplingWords[name] * 4, true)
  const source = integer('processes') ? inputs.processed : inputs.logits
  const logits = source.subarray(row * vocab, (row + 1) * vocab)
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
  const best = logits[order[0] ?? 0] ?? 0
  const decayedTopP = () => {
    const outputs = inputs.slotTokens.subarray(
      row * length + integer('promptLength'),
      row * length + inputs.rowPosition[row]! + 1,
    )
    const since = outputs.length - 1 - outputs.lastIndexOf(integer('topPResetId'))
    let decayed = float('topP')
    for (let step = 0; step < since; step++)
      decayed = Math.max(float('topPMin'), decayed * float('topPDecay'))
    return decayed
  }
  if (float('temperature') === 0 || integer('topK') === 1 || float('topP') === 0) return order[0] ?? 0
  const weightOf = (id: number) => Math.exp(((logits[id] ?? 0) - best) / float('temperature'))
  let kept = order.filter((id) => weightOf(id) >= float('minP'))
  if (integer('topK') > 0) kept = kept.slice(0, integer('topK'))
  const topP = decayedTopP()
  if (topP < 1) {
    const limit = topP * kept.reduce((sum, id) => sum + weightOf(id), 0)
    let mass = 0
    kept = kept.filter((id) => {
      const wanted = mass < limit
      mass += weightOf(id)
      return wanted
    })
  }
  kept.sort((a, b) => a - b)
  const total = kept.reduce((sum, id) => sum + weightOf(id), 0)
  const index = (inputs.rowPosition[row] ?? 0) - integer('promptLength') + 1
  const seed = [integer('seedLow') >>> 0, integer('seedHigh') >>> 0]
  const target = ((philox([index, 0, 0, 0], seed)[0] ?? 0) >>> 8) * 2 ** -24 * total
  let running = 0
  for (const id of kept) {
    running += weightOf(id)
    if (running > target) return id
  }
  return kept.at(-1) ?? 0
}

// One row per record over the same logits; the row's slot is its number, the output index its `index`.
async function draw(
  isa: string,
  logits: readonly number[],
  records: readonly (SamplingRecord & { index?: number })[],
) {
  using device = Device.open('cpu', { isa, threads: 2 })
  using runner = new OpRunner(device)
  const rows = records.length
  const inputs = {
    logits: Float32Array.from(records.flatMap(() => logits)),
    processed: new Float32Array(rows * logits.length).fill(NaN),
    rowSlot: Int32Array.from(records.keys()),
    rowPosition: Int32Array.from(records, ({ index = 0 }) => index),
    rowSample: new Int32Array(rows).fill(1),
    sampling: concatWords(
      records.map(({ index: _, ...record }) => samplingRecord({ promptLength: 1, ...record })),
    ),
    slotTokens: new Int32Array(rows * 8).fill(-7),
  }
  const dims = { rows, vocab: logits.length, slots: rows, length: 8, samplingWords: samplingWordsPerSlot }
  const [token, slotTokens] = await runner.run(
    { ...sample, makeInputs: () => inputs },
    { name: 'test', dims, dtype: 'f32' },
  )
  return { tokens: [...(token ?? [])], slotTokens: [...(slotTokens ?? [])] }
}

describe.each(cpuIsa().all)('sample on %s', (isa) => {
  it.each(sample.cases.map((opCase) => [opCase.name, opCase as OpCase] as const))(
    'draws what its words say and appends it: %s',
    async (_, opCase) => {
      using device = Device.open('cpu', { isa, threads: 2 })
      using runner = new OpRunner(device)
      const { rows = 1, length = 1 } = opCase.dims
      const inputs = sampleInputs(opCase, namedRandom('sample test'))
      const [token, slotTokens] = await runner.run({ ...sample, makeInputs: () => inputs }, opCase)
      const expected = Array.from({ length: rows }, (_, row) => reference(opCase, inputs, row))
      expect([...(token ?? [])]).toEqual(expected)
      expected.forEach((id, row) => {
        if (id >= 0) inputs.slotTokens[row * length + (inputs.rowPosition[row] ?? 0) + 1] = id
      })
      expect([...(slotTokens ?? [])]).toEqual([...inputs.slotTokens])
    },
  )

  it('uses word 0 of Philox with the seed as key and the output index as counter', async () => {
    const flat = new Array<number>(65_536).fill(0)
    const { tokens } = await draw(isa, flat, [
      { temperature: 1 },
      { temperature: 1, index: 5 },
      { temperature: 1, seedLow: 0x243f6a88, seedHigh: 0x85a308d3 | 0, index: 3 },
    ])
    const words = [
      philox([0, 0, 0, 0], [0, 0]),
      philox([5, 0, 0, 0], [0, 0]),
      philox([3, 0, 0, 0], [0x243f6a88, 0x85a308d3]),
    ]
    expect(tokens).toEqual(words.map(([word = 0]) => word >>> 16))
  })

  it('breaks ties by the lowest id', async () => {
    const logits = [0, 3, 1, 3, 3, -1]
    const { tokens } = await draw(isa, logits, [
      {},
      { temperature: 2, topK: 1 },
      { temperature: 2, topP: 0 },
      // 3 of the 3 equal best ids hold all of the mass that top_k leaves; top_p 0.5 needs the first two of them.
      ...Array.from({ length: 5 }, (_, index) => ({ temperature: 2, topK: 3, topP: 0.5, seedLow: index })),
    ])
    expect(tokens.slice(0, 3)).toEqual([1, 1, 1])
    for (const token of tokens.slice(3)) expect([1, 3]).toContain(token)
  })

  it('never draws masked ids, and takes id 0 where there is nothing else', async () => {
    const nothing = Number.NEGATIVE_INFINITY
    const settings = [
      {},
      { temperature: 1 },
      { temperature: 1, topP: 0.9 },
      { temperature: 1, topK: 2, minP: 0.1 },
    ]
    const mixed = await draw(isa, [nothing, nothing, 1, nothing, nothing], settings)
    expect(mixed.tokens).toEqual([2, 2, 2, 2])
    expect((await draw(isa, new Array(20).fill(nothing), settings)).tokens).toEqual([0, 0, 0, 0])
  })

  it('gives -1 and appends id 0 where the logits are NaN or +inf', async () => {
    const settings = [{}, { temperature: 1 }, { temperature: 1, topP: 0.9 }, { temperature: 1, topK: 2 }]
    const late = new Array(37).fill(0)
    late[35] = NaN
    for (const row of [new Array(20).fill(NaN), late, [0, Infinity, 5, Infinity]]) {
      expect((await draw(isa, row, settings)).tokens).toEqual([-1, -1, -1, -1])
    }
    const { slotTokens } = await draw(isa, [0, NaN], [{ index: 2 }])
    expect(slotTokens).toEqual([-7, -7, -7, 0, ...new Array(slotTokens.length - 4).fill(-7)])
  })

  it('appends at the next position of the slot, and nowhere beyond it', async () => {
    const { slotTokens } = await draw(isa, [0, 9], [{ index: 2 }, { index: 7 }])
    expect(slotTokens).toEqual([-7, -7, -7, 1, -7, -7, -7, -7, ...new Array(8).fill(-7)])
  })
})
