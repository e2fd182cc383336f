import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { silu } from './silu.op.js'

async function run(runner: OpRunner, x: Float32Array, rows: number, dtype: 'f32' | 'f16' | 'bf16' = 'f32') {
  const schema = { ...silu, makeInputs: () => ({ x }) }
  const [y] = await runner.run(schema, { name: 'test', dims: { rows, dim: x.length / rows }, dtype })
  return y ?? new Float64Array(0)
}

describe.each(cpuIsa().all)('silu on %s', (isa) => {
  it('is within 3 ulp over the whole range of its exponential', async () => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    const x = Float32Array.from({ length: 20_001 }, (_, i) => (i - 10_000) * 0.0102)
    const y = await run(runner, x, 1)
    x.forEach((value, i) => {
      const expected = value / (1 + Math.exp(-value))
      // Beyond exp(88.7) the denominator is infinite in f32 and the result 0.
      const allowed = value < -88.7 ? 1e-36 : Math.abs(expected) * 4e-7 + 1e-44
      expect(Math.abs((y[i] ?? Number.NaN) - expected), `silu(${value})`).toBeLessThanOrEqual(allowed)
    })
  })

  it.each(['f32', 'f16', 'bf16'] as const)(
    'gives a %s value the same bits wherever it stands',
    async (dtype) => {
      using device = Device.open('cpu', { isa })
      using runner = new OpRunner(device)
      for (const value of [0.37, -4.21, 11.3]) {
        for (const count of [1, 7, 16, 33, 63]) {
          const y = await run(runner, new Float32Array(count * 3).fill(value), 3, dtype)
          expect(new Set(y).size).toBe(1)
        }
      }
    },
  )
})
