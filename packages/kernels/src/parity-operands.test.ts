import { describe, expect, it } from 'vitest'
import { linear } from '../ops/linear/linear.op.js'
import { penalize } from '../ops/penalize/penalize.op.js'
import { ropeKvWrite } from '../ops/rope-kv-write/rope-kv-write.op.js'
import type { OpSchema } from './define-op.js'
import { ops } from './ops.generated.js'
import { caseOperands, decodeOperand, largestError, namedRandom, spreadValues } from './parity-operands.js'

describe('cases', () => {
  it.each(Object.values(ops).map((schema) => [schema.name, schema as OpSchema] as const))(
    'of %s have unique names and give every size and integer',
    (_, schema) => {
      expect(new Set(schema.cases.map((opCase) => opCase.name)).size).toBe(schema.cases.length)
      expect(schema.cases.length).toBeGreaterThan(0)
      for (const opCase of schema.cases) {
        const { operands, order, results } = caseOperands(schema, opCase, false)
        const declared = Object.keys(schema.inputs).length + Object.keys(schema.outputs).length
        expect(order).toHaveLength(declared)
        expect(results).toHaveLength(Object.keys(schema.outputs).length)
        for (const operand of operands) expect(operand.shape.every((size) => size > 0)).toBe(true)
      }
    },
  )

  it('make the same values every time', () => {
    const opCase = penalize.cases[0]
    if (!opCase) throw new Error('penalize has no cases')
    expect(caseOperands(penalize, opCase, false)).toEqual(caseOperands(penalize, opCase, false))
  })
})

describe('caseOperands', () => {
  const dims = { rows: 2, in: 3, out: 4 }

  it('leaves out absent inputs and gives results in f32 where asked', () => {
    const opCase = { name: 'x', dims, dtype: 'bf16', without: ['bias'], f32Results: ['y'] } as const
    const { operands, order } = caseOperands(linear, opCase, false)
    expect(order).toEqual([0, 1, -1, 2])
    expect(operands.map(({ dtype }) => dtype)).toEqual(['bf16', 'bf16', 'f32'])
    expect(operands.map(({ weight }) => weight)).toEqual([false, true, false])
  })

  it('pads rows of float tensors only', () => {
    const { operands } = caseOperands(linear, { name: 'x', dims, dtype: 'f32' }, true)
    expect(operands.map(({ rowStride }) => rowStride)).toEqual([35, 3, 1, 36])
    const spread = operands[0] && spreadValues(operands[0])
    expect(spread).toHaveLength(38)
    expect(spread?.[3]).toBeNaN()
    expect(spread?.[35]).toBe(operands[0]?.values?.[3])
  })

  it('shares the operand of an updated input', () => {
    const opCase = ropeKvWrite.cases[0]
    if (!opCase) throw new Error('rope-kv-write has no cases')
    const { order, operands, results } = caseOperands(ropeKvWrite, opCase, false)
    const cache = operands.findIndex(({ name }) => name === 'cache')
    expect(order.filter((at) => at === cache)).toHaveLength(2)
    expect(results).toContain(cache)
  })
})

describe('decodeOperand', () => {
  const operand = { name: 'x', shape: [4], rowStride: 1, weight: false } as const

  it('reads every float type', () => {
    const f16 = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00).buffer)
    expect([...decodeOperand({ ...operand, dtype: 'f16' }, f16)]).toEqual([1, -2, 2 ** -24, Infinity])
    const bf16 = new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0080).buffer)
    expect([...decodeOperand({ ...operand, dtype: 'bf16' }, bf16)]).toEqual([1, -2, Infinity, 2 ** -126])
  })

  it('skips the padding between rows', () => {
    const bytes = new Uint8Array(Int32Array.of(1, 2, -1, 3, 4).buffer)
    const padded = { ...operand, dtype: 'i32', shape: [2, 2], rowStride: 3 } as const
    expect([...decodeOperand(padded, bytes)]).toEqual([1, 2, 3, 4])
  })
})

describe('largestError', () => {
  const of = (...values: number[]) => Float64Array.from(values)

  it('is relative to the larger of 1 and the reference', () => {
    expect(largestError('f32', of(0.5, 110), of(0, 100))).toBe(0.5)
    expect(largestError('f32', of(0, 110), of(0, 100))).toBeCloseTo(0.1)
  })

  it('is infinite for unequal integers, infinities and NaN', () => {
    expect(largestError('i32', of(100_000), of(100_001))).toBe(Infinity)
    expect(largestError('f32', of(NaN), of(1))).toBe(Infinity)
    expect(largestError('f32', of(-Infinity, NaN), of(-Infinity, NaN))).toBe(0)
    expect(largestError('f32', of(1), of(-Infinity))).toBe(Infinity)
    expect(largestError('f32', of(), of(1))).toBe(Infinity)
  })
})

it('namedRandom is uniform enough and depends on the name', () => {
  const random = namedRandom('a')
  const values = Array.from({ length: 4000 }, random)
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...values)).toBeLessThan(1)
  expect(values.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(0.5, 1)
  expect(namedRandom('b')()).not.toBe(values[0])
})
