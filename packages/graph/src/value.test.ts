import { describe, expect, it } from 'vitest'
import { Dim } from './dim.js'
import { columnsOf, flattened, partOfHeads, reshaped, rootOf, Value, viewOf } from './value.js'

const tokens = Dim.symbol('tokens')
const x = new Value('model.x', 'bf16', [tokens, Dim.of(96)], { kind: 'node' })

describe('Value', () => {
  it('refuses to be computed with, naming its path', () => {
    const sentence = 'model.x: a Value has no data while a model is traced'
    // @ts-expect-error the types refuse it too
    expect(() => x + 1).toThrow(sentence)
    expect(() => Number(x)).toThrow(sentence)
    expect(`${x}`).toBe('model.x bf16[tokens,96]')
  })

  it('knows the width of its rows', () => {
    expect(x.rowWidth).toBe(96)
    expect(reshaped(x, [6, 16]).rowWidth).toBe(96)
  })
})

describe('views', () => {
  it('add their first columns up to the root', () => {
    const right = viewOf(x, 32, [tokens, Dim.of(64)])
    const end = viewOf(reshaped(right, [4, 16]), 16, [tokens, Dim.of(3), Dim.of(16)])
    expect(rootOf(end)).toEqual({ root: x, firstColumn: 48 })
    expect(rootOf(x)).toEqual({ root: x, firstColumn: 0 })
  })

  it('join the axes behind the first, or are the value itself', () => {
    expect(String(flattened(reshaped(x, [6, 16])))).toBe('model.x bf16[tokens,96]')
    expect(flattened(x)).toBe(x)
  })

  it('stay inside the value and keep its rows', () => {
    expect(() => viewOf(x, 64, [tokens, Dim.of(33)])).toThrow('columns 64 on as [tokens,33] are not inside')
    expect(() => viewOf(x, 0, [Dim.symbol('rows'), Dim.of(96)])).toThrow('model.x')
  })

  it('may be the same part of each head, and that is no view of anything else', () => {
    const heads = reshaped(columnsOf(x, 24, 72), [3, 24])
    const part = partOfHeads(heads, 16, 8)
    expect(String(part)).toBe('model.x bf16[tokens,3,8]')
    expect(rootOf(part)).toEqual({ root: x, firstColumn: 40 })
    expect(partOfHeads(heads, 0, 24)).toBe(heads)
    expect(() => partOfHeads(heads, 17, 8)).toThrow('has no elements 17 to 24 of each head')
    expect(() => partOfHeads(part, 0, 4)).toThrow('has no elements 0 to 3 of each head')
    expect(() => flattened(part)).toThrow('is a part of heads and can only be read as it is')
  })
})
