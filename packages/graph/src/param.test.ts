import { describe, expect, it } from 'vitest'
import { Param, ParamTable } from './param.js'

const weight = (kind: 'matrix' | 'table' | 'vector', rows = 32, columns = 8): Param =>
  new Param('embed.weight', kind, 'bf16', rows, columns, [
    { name: 'embed.weight', rows, columns, firstRow: 0 },
  ])

describe('ParamTable', () => {
  it('gives the same param for the same path', () => {
    const table = new ParamTable()
    const first = table.request(weight('matrix'))
    expect(table.request(weight('matrix'))).toBe(first)
  })

  it('names both shapes when they differ', () => {
    const table = new ParamTable()
    table.request(weight('table'))
    expect(() => table.request(weight('matrix', 32, 16))).toThrow(
      'embed.weight: asked for as table [32,8] and as matrix [32,16]; a weight has one shape',
    )
  })

  it('makes a table that is multiplied with a matrix, whichever comes first', () => {
    for (const kinds of [['table', 'matrix'] as const, ['matrix', 'table'] as const]) {
      const table = new ParamTable()
      const first = table.request(weight(kinds[0]))
      expect(table.request(weight(kinds[1])).kind).toBe('matrix')
      expect(first.kind).toBe('matrix')
    }
  })

  it('refuses a matrix that is a vector too', () => {
    const table = new ParamTable()
    table.request(weight('vector', 32, 1))
    expect(() => table.request(weight('matrix', 32, 1))).toThrow('asked for as vector and as matrix')
  })

  it('shares derived values and numbers different ones', () => {
    const table = new ParamTable()
    const first = table.derive('rope', 1, 2, Float32Array.of(1, 0.5))
    expect(table.derive('rope', 1, 2, Float32Array.of(1, 0.5))).toBe(first)
    const other = table.derive('rope', 1, 2, Float32Array.of(1, 0.25))
    expect(other.path).toBe('rope.1')
    expect(table.derive('rope', 1, 2, Float32Array.of(1, 0.25))).toBe(other)
  })
})
