import { modelPath } from '@trtllm/tales'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadTokenizer } from './load-tokenizer.js'
import {
  byteFallbackTokenizer,
  folderWith,
  metaspaceTokenizer,
  wordPieceTokenizer,
} from './testing/small-tokenizer.js'
import type { Tokenizer } from './tokenizer.js'

const tales = loadTokenizer(modelPath)
const small = (json: Record<string, unknown>) => loadTokenizer(folderWith({ 'tokenizer.json': json }))
const tokenizers: Record<string, Tokenizer> = {
  'byte level': tales,
  'byte fallback': small(byteFallbackTokenizer()),
  metaspace: small(metaspaceTokenizer()),
  'word piece': small(wordPieceTokenizer()),
}

/** Pushes ids in the given pieces and checks that no piece ends in half a character. */
function stream(tokenizer: Tokenizer, ids: number[], cuts: number[], skipSpecialTokens: boolean): string {
  const detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens })
  const borders = [
    0,
    ...[...new Set(cuts.map((cut) => cut % (ids.length + 1)))].sort((a, b) => a - b),
    ids.length,
  ]
  let text = ''
  for (const [index, from] of borders.slice(0, -1).entries()) {
    const piece = detokenizer.push(ids.slice(from, borders[index + 1]))
    expect(piece).not.toMatch(/[\ud800-\udbff]$/)
    text += piece
  }
  return text + detokenizer.flush()
}

describe.each(Object.entries(tokenizers))('streaming with a %s decoder', (_, tokenizer) => {
  it('gives the whole text, however the ids are split', () => {
    const ids = fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize + 2 }), { maxLength: 40 })
    const cuts = fc.array(fc.nat(), { maxLength: 8 })
    fc.assert(
      fc.property(ids, cuts, fc.boolean(), (some, at, skipSpecialTokens) => {
        const whole = tokenizer.decode(some, { skipSpecialTokens })
        expect(stream(tokenizer, some, at, skipSpecialTokens)).toBe(whole)
        expect(stream(tokenizer, some, [...some.keys()], skipSpecialTokens)).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })
})

describe('streaming characters of several tokens', () => {
  const samples = [
    '👩‍👩‍👧‍👦 done',
    '你好,世界',
    'e\u0301\u0308a',
    '🇨🇭👍🏽',
    '𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
    'ภาษาไทย',
    '﷽',
    'a\u200bb',
  ]

  it.each(samples)('never shows a part of one: %s', (text) => {
    const ids = tales.encode(text, { addSpecialTokens: false })
    const detokenizer = tales.createDetokenizer()
    const pieces = ids.map((id) => detokenizer.push([id]))
    expect(pieces.join('') + detokenizer.flush()).toBe(text)
    for (const piece of pieces) expect(piece).not.toContain('\ufffd')
  })

  it('shows U+FFFD only where a character was never completed', () => {
    const [first] = tales.encode('𝔘', { addSpecialTokens: false })
    const detokenizer = tales.createDetokenizer()
    expect(detokenizer.push([first!])).toBe('')
    expect(detokenizer.flush()).toBe('\ufffd')
    // A new text begins.
    expect(detokenizer.push(tales.encode('ok', { addSpecialTokens: false }))).toBe('ok')
  })

  it.each(['byte level', 'byte fallback'])(
    'puts U+FFFD before what follows, also behind tokens without text (%s)',
    (name) => {
      const tokenizer = tokenizers[name]!
      const half =
        name === 'byte level'
          ? tales.encode('𝔘', { addSpecialTokens: false })[0]!
          : tokenizer.tokenId('<0xF0>')!
      const unknown = tokenizer.vocabSize + 1
      const [letter] = tokenizer.encode('ab', { addSpecialTokens: false }).slice(-1)
      const text = tokenizer.decode([letter!])
      const detokenizer = tokenizer.createDetokenizer()
      const pieces = [half, unknown, unknown, letter!].map((id) => detokenizer.push([id]))
      expect(pieces).toEqual(['', '', '', `\ufffd${text}`])
      expect(detokenizer.flush()).toBe('')
    },
  )

  it('leaves special tokens out or keeps them, and always keeps tool tags', () => {
    const ids = [2, 4090, 3]
    expect(tales.decode(ids)).toBe('<|im_start|><tool_call><|im_end|>')
    expect(tales.decode(ids, { skipSpecialTokens: true })).toBe('<tool_call>')
  })
})

describe('decoders', () => {
  const ids = (tokenizer: Tokenizer, tokens: string[]) => tokens.map((token) => tokenizer.tokenId(token)!)

  it('byte fallback: bytes become characters, one leading space is dropped', () => {
    const tokenizer = tokenizers['byte fallback']!
    const bytes = [...Buffer.from('é')].map((byte) => `<0x${byte.toString(16).toUpperCase()}>`)
    expect(tokenizer.decode(ids(tokenizer, ['▁a', ...bytes, '▁▁', 'b']))).toBe('aé  b')
    expect(tokenizer.decode(ids(tokenizer, ['▁▁', 'b']))).toBe(' b')
    expect(tokenizer.decode(ids(tokenizer, ['▁a', '<0xC3>', 'b']))).toBe('a\ufffdb')
    expect(tokenizer.decode(tokenizer.encode('ab é 好'), { skipSpecialTokens: true })).toBe('ab é 好')
  })

  it('metaspace: only the first space of a text is dropped', () => {
    const tokenizer = tokenizers.metaspace!
    expect(tokenizer.decode(ids(tokenizer, ['▁a', '▁ab', '好']))).toBe('a ab好')
  })

  it('word piece: words are joined by spaces', () => {
    const tokenizer = tokenizers['word piece']!
    expect(tokenizer.decode(ids(tokenizer, ['the', 'tale', '##s', ',', 'fox']))).toBe('the tales , fox')
    expect(tokenizer.encode('the tales', { addSpecialTokens: false })).toEqual(
      ids(tokenizer, ['the', 'tale', '##s']),
    )
  })
})
