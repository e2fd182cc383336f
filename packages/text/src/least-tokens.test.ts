import { modelPath } from '@trtllm/tales'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastTokensOf } from './least-tokens.js'
import { loadTokenizer } from './load-tokenizer.js'
import type { TokenizerJson } from './tokenizer-json.js'

const json = (parts: object): TokenizerJson =>
  ({
    added_tokens: [],
    decoder: { type: 'ByteLevel' },
    normalizer: null,
    model: { type: 'BPE', vocab: { a: 0, aaaa: 1 } },
    ...parts,
  }) as unknown as TokenizerJson

describe('the least number of tokens', () => {
  it('is never more than there are', () => {
    const tokenizer = loadTokenizer(modelPath)
    const words = fc.constantFrom(
      'Once upon a time',
      '   ',
      '\n\n',
      '<|im_start|>',
      'é',
      '漢字',
      'aaaa',
      '{"a": 1}',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))), (parts) => {
        const text = parts.join('')
        const ids = tokenizer.encode(text, { addSpecialTokens: false })
        expect(tokenizer.leastTokens(text)).toBeLessThanOrEqual(ids.length)
      }),
      { seed: 7, numRuns: 500 },
    )
    expect(tokenizer.leastTokens('tale '.repeat(100_000))).toBeGreaterThan(10_000)
  })

  it('counts bytes, white space apart, over the longest token', () => {
    expect(leastTokensOf(json({}))('aaaaa  \n')).toBe(2)
    expect(leastTokensOf(json({ added_tokens: [{ id: 2, content: '<end>' }] }))('aaaaa')).toBe(1)
  })

  it('allows for what a normalizer composes, and gives up on what it cannot know', () => {
    const text = 'a'.repeat(24)
    expect(leastTokensOf(json({ normalizer: { type: 'NFC' } }))(text)).toBe(2)
    const replace = { type: 'Replace', pattern: { String: ' ' }, content: '_' }
    expect(leastTokensOf(json({ normalizer: { type: 'Sequence', normalizers: [replace] } }))(text)).toBe(6)
    for (const normalizer of [{ type: 'NFKC' }, { type: 'Lowercase' }, { ...replace, content: '' }])
      expect(leastTokensOf(json({ normalizer }))(text)).toBe(0)
    expect(leastTokensOf(json({ decoder: null }))(text)).toBe(0)
    const byteFallback = { type: 'BPE', vocab: { aa: 0 }, byte_fallback: true }
    expect(leastTokensOf(json({ decoder: null, model: byteFallback }))(text)).toBe(12)
  })
})
