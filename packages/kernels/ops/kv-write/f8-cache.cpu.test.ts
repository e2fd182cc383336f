import { describe, expect, it } from 'vitest'
import type { OpCase, OpSchema } from '../../src/define-op.js'
import { cpuIsa, Device } from '../../src/index.js'
import { cacheDims, ropeAttributes, stepSequences } from '../../src/op-cases.js'
import { OpRunner } from '../../src/op-runner.js'
import { namedRandom } from '../../src/parity-operands.js'
import { headRmsNorm } from '../head-rms-norm/head-rms-norm.op.js'
import { normRopeKvWrite } from '../norm-rope-kv-write/norm-rope-kv-write.op.js'
import { rope } from '../rope/rope.op.js'
import { ropeKvWrite } from '../rope-kv-write/rope-kv-write.op.js'
import { kvWrite } from './kv-write.op.js'

type Inputs = Record<string, Int32Array | Float32Array>

async function run(isa: string, schema: OpSchema, opCase: Omit<OpCase, 'name'>, inputs: Inputs) {
  using device = Device.open('cpu', { isa, threads: 2 })
  using runner = new OpRunner(device)
  return await runner.run({ ...schema, makeInputs: () => inputs }, { name: 'test', ...opCase })
}

/** Every number of e4m3 that is not negative, by its code. */
const codes = Array.from({ length: 127 }, (_, code) => {
  const [exponent, fraction] = [code >> 3, code & 7]
  return exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7)
})

/** The nearest of them, of two equally near the even code; 448 for what is larger. */
function nearest(value: number): number {
  const magnitude = Math.abs(value)
  let best = 0
  for (const [code, number] of codes.entries()) {
    const [now, before] = [Math.abs(number - magnitude), Math.abs(codes[best]! - magnitude)]
    if (now < before || (now === before && code % 2 === 0)) best = code
  }
  return Math.sign(value) * codes[best]!
}

/** What is between codes, on the border of two, beyond the last, and what is smaller than the first. */
const edges = [
  ...codes,
  ...codes.slice(1).map((value, i) => (value + codes[i]!) / 2),
  ...[449, 463.9, 464, 465, 1e9, Number.POSITIVE_INFINITY, 2 ** -10, 2 ** -10 * 1.01, 1e-30, 0.3, 17.3],
]
const numbers = [...edges, ...edges.map((value) => -value)]

describe.each(cpuIsa().all)('a cache of f8 on %s', (isa) => {
  const dims = { ...cacheDims(1, 1, 1, 0), tokens: 1, kvHeads: 1, headDim: numbers.length }
  const place = { tokenSlot: Int32Array.of(0), positions: Int32Array.of(0), pageTable: Int32Array.of(0) }

  it('holds the nearest number, 448 at most, and NaN', async () => {
    const k = Float32Array.from(numbers)
    const v = Float32Array.from(numbers, () => Number.NaN)
    const [cache] = await run(isa, kvWrite, { dims, dtype: 'f32', cacheDtype: 'f8' }, { ...place, k, v })
    const row = numbers.length
    expect([...cache!.subarray(0, row)]).toEqual(numbers.map(nearest))
    expect(cache!.subarray(32 * row, 33 * row).every(Number.isNaN)).toBe(true)
  })

  it('holds keys and values over their scales', async () => {
    const k = Float32Array.from(numbers, () => 3)
    const v = Float32Array.from(numbers, () => 3)
    const attributes = { keyScale: 0.5, valueScale: 2 }
    const opCase = { dims, dtype: 'f32', cacheDtype: 'f8', attributes } as const
    const [cache] = await run(isa, kvWrite, opCase, { ...place, k, v })
    expect([cache![0], cache![32 * numbers.length]]).toEqual([6, 1.5])
  })

  it.each(['f32', 'f16', 'bf16'] as const)(
    'gets the same bits from fused and plain ops in %s',
    async (dtype) => {
      const random = namedRandom(`f8 cache ${dtype}`)
      const sizes = { ...cacheDims(2, 2, 2, 0), tokens: 40, heads: 2, kvHeads: 2, headDim: 48 }
      const values = () => Float32Array.from({ length: 40 * 2 * 48 }, () => 6 * random() - 3)
      const weight = Float32Array.from({ length: 48 }, () => 0.5 + random())
      const [q, k, v] = [values(), values(), values()]
      const { tokenSlot, positions, pageTable } = stepSequences(sizes, random)
      const frequencies = Float32Array.from({ length: 24 }, (_, i) => 100 ** (-i / 24))
      const [rotation, scales] = [ropeAttributes(48, { base: 100 }), { keyScale: 0.3, valueScale: 0.7 }]
      const inF8 = {
        dims: { ...sizes, variants: 1, half: 24 },
        dtype,
        cacheDtype: 'f8',
        without: ['variant'],
      } as const
      const where = { positions, tokenSlot, pageTable }
      // Neither of the ops writes to the rest of a page, which holds the same in all.
      const cache = Float32Array.from({ length: 4 * 2 * 2 * 32 * 48 }, (_, i) => (i % 13) - 6)

      const rotated = async (x: Float32Array) => {
        const opCase = {
          dims: { ...sizes, variants: 1, half: 24 },
          dtype,
          attributes: rotation,
          without: ['variant'],
        }
        const [y] = await run(isa, rope, opCase, { x, positions, inverseFrequencies: frequencies })
        return Float32Array.from(y!)
      }
      const written = async (key: Float32Array) => {
        const opCase = { dims: sizes, dtype, cacheDtype: 'f8', attributes: scales } as const
        return (await run(isa, kvWrite, opCase, { ...where, k: key, v, cache }))[0]
      }
      const inputs = { ...where, q, k, v, cache, inverseFrequencies: frequencies }
      const fused = await run(isa, ropeKvWrite, { ...inF8, attributes: { ...rotation, ...scales } }, inputs)
      expect(fused[1]).toEqual(await written(await rotated(k)))

      const normOf = { dims: sizes, dtype, attributes: { eps: 1e-5 } }
      const [normed] = await run(isa, headRmsNorm, normOf, { x: k, weight })
      const attributes = { ...rotation, ...scales, eps: 1e-5 }
      const withNorm = await run(
        isa,
        normRopeKvWrite,
        { ...inF8, attributes },
        { ...inputs, qWeight: weight, kWeight: weight },
      )
      expect(withNorm[1]).toEqual(await written(await rotated(Float32Array.from(normed!))))
    },
  )
})
