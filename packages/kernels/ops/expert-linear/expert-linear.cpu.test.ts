import { describe, expect, it } from 'vitest'
import { orderedByExpert } from '../../src/expert-cases.js'
import { cpuIsa, Device, type FloatDType } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { caseOperands, namedRandom } from '../../src/parity-operands.js'
import { linear } from '../linear/linear.op.js'
import { expertLinear } from './expert-linear.op.js'

const columns = 200
const features = 52
const experts = 6
const random = namedRandom('expert linear test')
const uniform = (count: number) => Float32Array.from({ length: count }, () => (2 * random() - 1) / 4)
const weight = uniform(experts * features * columns)
const tokens = uniform(900 * columns)

/** Rows of the tokens `picked`, the one at i through `of[i]`; in the order of `picked`. */
async function multiply(device: Device, picked: readonly number[], of: readonly number[], dtype: FloatDType) {
  using runner = new OpRunner(device)
  const x = Float32Array.from(picked.flatMap((t) => [...tokens.subarray(t * columns, (t + 1) * columns)]))
  const { order, place, offsets } = orderedByExpert(Int32Array.from(of), experts)
  const schema = { ...expertLinear, makeInputs: () => ({ x, weight, order, offsets }) }
  const rows = picked.length
  const opCase = {
    name: 'test',
    dims: { rows, pairs: rows, in: columns, out: features, width: features, experts },
    dtype,
    attributes: { width: features, fanOut: 1, gate: 0, limit: 0, alpha: 0 },
    without: ['bias', 'scale'],
  }
  const [y = new Float64Array(0)] = await runner.run(schema, opCase, caseOperands(schema, opCase, false))
  return Array.from(place, (p) => [...y.subarray(p * features, (p + 1) * features)])
}

/** All tokens through the linear of one expert. */
async function plainly(device: Device, expert: number, rows: number, dtype: FloatDType) {
  using runner = new OpRunner(device)
  const size = features * columns
  const makeInputs = () => ({
    x: tokens.subarray(0, rows * columns),
    weight: weight.subarray(expert * size, (expert + 1) * size),
  })
  const schema = { ...linear, makeInputs }
  const opCase = { name: 'test', dims: { rows, in: columns, out: features }, dtype, without: ['bias'] }
  const [y = new Float64Array(0)] = await runner.run(schema, opCase, caseOperands(schema, opCase, false))
  return Array.from({ length: rows }, (_, row) => [...y.subarray(row * features, (row + 1) * features)])
}

describe.each(cpuIsa().all)('expert-linear on %s', (isa) => {
  it.each(['f32', 'f16', 'bf16'] as const)(
    'gives a %s row the bits that its expert alone gives it',
    async (dtype) => {
      using device = Device.open('cpu', { isa, threads: 2 })
      using single = Device.open('cpu', { isa, threads: 1 })
      const known = await Promise.all(
        Array.from({ length: experts }, (_, expert) => plainly(device, expert, 40, dtype)),
      )
      for (const rows of [1, 2, 5, 13, 40, 77, 300]) {
        const picked = Array.from({ length: rows }, () => Math.floor(random() * 40))
        const of = picked.map(() => Math.floor(random() ** 2 * experts))
        const y = await multiply(rows % 2 ? device : single, picked, of, dtype)
        expect(y, `${rows} rows`).toEqual(picked.map((t, i) => known[of[i]!]![t]))
      }
    },
  )

  it('goes through more rows than one wave holds', async () => {
    using device = Device.open('cpu', { isa, threads: 2 })
    const picked = Array.from({ length: 2500 }, (_, i) => i % 900)
    const y = await multiply(
      device,
      picked,
      picked.map(() => 4),
      'f32',
    )
    const alone = await multiply(device, [899, 0, 512], [4, 4, 4], 'f32')
    expect([y[899], y[900], y[1800 + 512]]).toEqual(alone)
  })

  it('refuses an order that is no order', async () => {
    using device = Device.open('cpu', { isa, threads: 1 })
    using runner = new OpRunner(device)
    const opCase = expertLinear.cases[1]!
    const { order: _, offsets, ...others } = expertLinear.makeInputs(opCase, random)
    for (const order of [
      [0, 1, 2, 3, 4, 6],
      [0, 1, 2, 3, 4, -1],
    ].map((list) => Int32Array.from(list))) {
      const schema = { ...expertLinear, makeInputs: () => ({ ...others, offsets, order }) }
      await expect(runner.run(schema, opCase, caseOperands(schema, opCase, false))).rejects.toThrow(
        'order or offsets',
      )
    }
    const wrong = {
      ...expertLinear,
      makeInputs: () => ({
        ...others,
        order: Int32Array.of(0, 1, 2, 3, 4, 5),
        offsets: offsets.map((at) => at + 1),
      }),
    }
    await expect(runner.run(wrong, opCase, caseOperands(wrong, opCase, false))).rejects.toThrow(
      'order or offsets',
    )
  })
})
