import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { softcap } from '../softcap/softcap.op.js'
import { geluTanh } from './gelu-tanh.op.js'

// Parity compares kernels of one formula: here two functions built on exp meet the definition.
const x = Float32Array.from({ length: 20_001 }, (_, i) => (i - 10_000) * 0.0102)
const dims = { rows: 1, dim: x.length }

describe.each(cpuIsa().all)('functions by exp on %s', (isa) => {
  it('gelu-tanh is its definition', async () => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    const schema = { ...geluTanh, makeInputs: () => ({ x }) }
    const [y] = await runner.run(schema, { name: 'test', dims, dtype: 'f32' })
    x.forEach((value, i) => {
      const turn = Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))
      const expected = (value / 2) * (1 + turn)
      const allowed = 2e-6 * Math.abs(expected) + 2e-7
      expect(Math.abs(y![i]! - expected), `gelu-tanh(${value})`).toBeLessThanOrEqual(allowed)
    })
  })

  it.each([0.5, 30, 50])('softcap %d is its definition', async (cap) => {
    using device = Device.open('cpu', { isa })
    using runner = new OpRunner(device)
    const schema = { ...softcap, makeInputs: () => ({ x }) }
    const [y] = await runner.run(schema, { name: 'test', dims, dtype: 'f32', attributes: { cap } })
    x.forEach((value, i) => {
      const expected = cap * Math.tanh(value / cap)
      expect(Math.abs(y![i]! - expected), `softcap(${value})`).toBeLessThanOrEqual(2.5e-7 * cap)
    })
  })
})
