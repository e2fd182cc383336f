import { describe, expect, it } from 'vitest'
import { rounded } from './round-to-model.js'

describe('rounded', () => {
  it.each([
    [Math.sqrt(3072), 'bf16', 55.5],
    [Math.sqrt(2304), 'bf16', 48],
    [-1 / 3, 'bf16', -0.333984375],
    [1 + 2 ** -8, 'bf16', 1],
    [1 + 3 * 2 ** -8, 'bf16', 1 + 2 ** -6],
    [1 / 3, 'f16', 0.333251953125],
    [2 ** -24 * 1.5, 'f16', 2 ** -23],
    [0, 'f16', 0],
    [0.1, 'f32', Math.fround(0.1)],
    [-1e-20, 'f32', Math.fround(-1e-20)],
  ] as const)('%d in %s is %d', (value, dtype, expected) => expect(rounded(value, dtype)).toBe(expected))
})
