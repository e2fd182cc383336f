import { describe, expect, it } from 'vitest'
import { Dim, shapeText } from './dim.js'

describe('Dim', () => {
  const tokens = Dim.symbol('tokens')

  it('is a sum of symbols and a constant', () => {
    expect(String(tokens.times(3).plus(Dim.symbol('rows')).plus(2))).toBe('3*tokens+rows+2')
    expect(String(Dim.of(0))).toBe('0')
    expect(shapeText([tokens, Dim.of(64)])).toBe('[tokens,64]')
  })

  it('is equal to the same sum however it came about', () => {
    expect(tokens.plus(tokens).equals(tokens.times(2))).toBe(true)
    expect(tokens.equals(Dim.symbol('rows'))).toBe(false)
    expect(Dim.symbol('seqs').plus(1).equals(Dim.symbol('seqs'))).toBe(false)
  })

  it('becomes a constant when its symbols get sizes', () => {
    const dim = Dim.symbol('slots').times(4).plus(tokens)
    expect(String(dim.with({ slots: 8 }))).toBe('tokens+32')
    expect(dim.with({ slots: 8, tokens: 2 }).toConstant('x')).toBe(34)
  })

  it('refuses to be a number, with a sentence', () => {
    expect(() => Number(tokens)).toThrow(
      'the size tokens is symbolic and has no number while a model is traced',
    )
    expect(() => tokens.toConstant('model.norm')).toThrow('model.norm: its size is tokens')
    expect(`${tokens}`).toBe('tokens')
  })

  it('refuses a constant that is no size', () => {
    expect(() => Dim.of(-1)).toThrow('not -1')
    expect(() => Dim.of(Number.NaN)).toThrow('not NaN')
  })
})
