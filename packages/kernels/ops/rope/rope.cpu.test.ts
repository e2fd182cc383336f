import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { ropeAttributes } from '../../src/op-cases.js'
import { OpRunner } from '../../src/op-runner.js'
import { rope } from './rope.op.js'

const headDim = 64
const half = 32
const positions = Int32Array.of(0, 1, 2047, 2048, 2049, 65_535, 777_777, 1_000_000)

// Pairs (1, 0): the rotated pair is (cos, sin).
async function rotate(runner: OpRunner, inverseFrequencies: Float32Array, changes: Record<string, number>) {
  const x = new Float32Array(positions.length * headDim)
  const interleaved = changes.interleaved === 1
  for (let i = 0; i < x.length; i++) x[i] = (interleaved ? i % 2 === 0 : i % headDim < half) ? 1 : 0
  const schema = { ...rope, makeInputs: () => ({ x, positions, inverseFrequencies }) }
  const [y = new Float64Array(0)] = await runner.run(schema, {
    name: 'test',
    dims: { tokens: positions.length, heads: 1, headDim, variants: 1, half },
    dtype: 'f32',
    attributes: ropeAttributes(headDim, changes),
    without: ['variant'],
  })
  return (token: number, pair: number) => {
    const at = token * headDim
    const [first, second] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half]
    return { cosine: y[at + first] ?? Number.NaN, sine: y[at + second] ?? Number.NaN }
  }
}

const frequencies = (base: number) => Float32Array.from({ length: half }, (_, i) => base ** (-i / half))

describe.each(cpuIsa().all)('rope on %s', (isa) => {
  it.each([0, 1])(
    'is right to the last bits up to position 1,000,000 (interleaved %i)',
    async (interleaved) => {
      using device = Device.open('cpu', { isa })
      using runner = new OpRunner(device)
      const inverse = frequencies(10_000)
      const pair = await rotate(runner, inverse, { interleaved })
      positions.forEach((position, token) => {
        inverse.forEach((frequency, i) => {
          const angle = Math.fround(position * frequency)
          const { cosine, sine } = pair(token, i)
          expect(Math.abs(cosine - Math.cos(angle))).toBeLessThan(6e-8)
          expect(Math.abs(sine - Math.sin(angle))).toBeLessThan(6e-8)
        })
      })
    },
  )

  it('takes the dynamic NTK base of its own length beyond dynamicLength', async () => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    const inverse = frequencies(10_000)
    const pair = await rotate(runner, inverse, { dynamicFactor: 2, dynamicLength: 2048 })
    positions.forEach((position, token) => {
      const length = position + 1
      const growth = length > 2048 ? (2 * length) / 2048 - 1 : 1
      const base = 10_000 * growth ** (headDim / (headDim - 2))
      for (const i of [0, 1, 7, 31]) {
        const frequency = length > 2048 ? Math.fround(base ** (-i / half)) : (inverse[i] ?? 0)
        const { cosine, sine } = pair(token, i)
        expect(cosine).toBeCloseTo(Math.cos(Math.fround(position * frequency)), 6)
        expect(sine).toBeCloseTo(Math.sin(Math.fround(position * frequency)), 6)
      }
    })
  })
})
