import { describe, expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { caseOperands, namedRandom } from '../../src/parity-operands.js'
import { linearF8 } from '../linear-f8/linear-f8.op.js'
import { linearI8 } from '../linear-i8/linear-i8.op.js'
import { linear } from './linear.op.js'

const columns = 333
const features = 49
const rows = 70
const random = namedRandom('linear test')
const uniform = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1)
const x = uniform(rows * columns)
const weight = uniform(features * columns)
const bias = uniform(features)
/** Small whole numbers are exact in every format. */
const whole = weight.map((value) => Math.round(16 * value))
const weightScale = uniform(features)

const ops = {
  linear: { schema: linear, weights: { weight, bias } },
  'linear-i8': { schema: linearI8, weights: { weight: whole, weightScale, bias } },
  'linear-f8': { schema: linearF8, weights: { weight: whole, weightScale, bias } },
}

const gather = (source: ArrayLike<number>, width: number, picked: readonly number[]) =>
  Float64Array.from({ length: picked.length * width }, (_, i) => {
    const row = picked[Math.floor(i / width)] ?? 0
    return source[row * width + (i % width)] ?? Number.NaN
  })

const multiply = async (
  runner: OpRunner,
  picked: readonly number[],
  dtype: 'f32' | 'f16' | 'bf16',
  op: keyof typeof ops = 'linear',
  stridedWeight = false,
) => {
  const schema = {
    ...ops[op].schema,
    makeInputs: () => ({ x: Float32Array.from(gather(x, columns, picked)), ...ops[op].weights }),
  }
  const opCase = {
    name: 'test',
    dims: { rows: picked.length, in: columns, out: features },
    dtype,
    f32Results: ['y'],
  }
  const made = caseOperands(schema, opCase, false)
  const operands = made.operands.map((operand) => (stridedWeight ? { ...operand, weight: false } : operand))
  const [y] = await runner.run(schema, opCase, { ...made, operands })
  return y ?? new Float64Array(0)
}

const everyRow = Array.from({ length: rows }, (_, row) => row)

describe.each(cpuIsa().all)('linears on %s', (isa) => {
  const each = (Object.keys(ops) as (keyof typeof ops)[]).flatMap((op) =>
    (['f32', 'f16', 'bf16'] as const).map((dtype) => ({ op, dtype })),
  )
  it.each(each)('$op gives a row the same bits in any $dtype batch', async ({ op, dtype }) => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using single = Device.open('cpu', { isa, threads: 1 })
    using runner = new OpRunner(device)
    using singleRunner = new OpRunner(single)
    const full = await multiply(runner, everyRow, dtype, op)
    for (let count = 1; count <= rows; count++) {
      const picked = Array.from({ length: count }, () => Math.floor(random() * rows))
      const y = await multiply(count % 2 ? runner : singleRunner, picked, dtype, op)
      expect(y, `${count} rows`).toEqual(gather(full, features, picked))
    }
  })

  it.each(['f32', 'f16', 'bf16'] as const)('multiplies by a row-major %s matrix too', async (dtype) => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    const packed = await multiply(runner, [3, 60, 9], dtype)
    const strided = await multiply(runner, [3, 60, 9], dtype, 'linear', true)
    for (const [i, value] of strided.entries()) expect(value).toBeCloseTo(packed[i] ?? Number.NaN, 4)
  })
})
