import { readFileSync } from 'node:fs'
import { modelPath } from '@trtllm/tales'
import { describe, expect, it } from 'vitest'
import type { ChatMessage } from './chat-message.js'
import { loadTokenizer } from './load-tokenizer.js'

interface Chat {
  messages: ChatMessage[]
  tools?: unknown[]
  add_generation_prompt: boolean
  text: string
  ids: number[]
}

interface Text {
  text: string
  ids: number[]
  plain_ids: number[]
  decoded: string
}

const golden = <T>(name: string): T[] =>
  JSON.parse(readFileSync(new URL(`../goldens/${name}.json`, import.meta.url), 'utf8'))
const tokenizer = loadTokenizer(modelPath)

describe('the tokenizer of the embedded model', () => {
  it.each(golden<Text>('texts'))('encodes and decodes $text as Transformers', (each) => {
    expect(tokenizer.encode(each.text)).toEqual(each.ids)
    expect(tokenizer.encode(each.text, { addSpecialTokens: false })).toEqual(each.plain_ids)
    expect(tokenizer.decode(each.ids, { skipSpecialTokens: true })).toBe(each.decoded)
  })

  it.each(golden<Chat>('chats').map((chat, index) => [index, chat] as const))(
    'renders and encodes chat %d as Transformers',
    (_, { messages, tools, add_generation_prompt: addGenerationPrompt, text, ids }) => {
      const rendered = tokenizer.render(messages, { tools, addGenerationPrompt })
      expect(rendered).toBe(text)
      expect(tokenizer.encode(rendered, { addSpecialTokens: false })).toEqual(ids)
    },
  )

  it('knows its special tokens', () => {
    expect(tokenizer).toMatchObject({ vocabSize: 4096, bosId: 0, eosId: 1, hasChatTemplate: true })
    expect([0, 1, 2, 3, 4].every((id) => tokenizer.isSpecial(id))).toBe(true)
    expect(tokenizer.isSpecial(4090)).toBe(false)
    expect(tokenizer.tokenId('<|im_end|>')).toBe(3)
    expect(tokenizer.tokenText(4090)).toBe('<tool_call>')
    expect(tokenizer.tokenText(99_999)).toBe('')
  })

  it('gives the bytes of tokens that are parts of characters', () => {
    const ids = tokenizer.encode('𝔘', { addSpecialTokens: false })
    expect(ids.length).toBeGreaterThan(1)
    expect(ids.flatMap((id) => [...tokenizer.tokenBytes(id)])).toEqual([...Buffer.from('𝔘')])
    expect(tokenizer.tokenText(ids[0]!)).toBe('\ufffd')
  })

  it('decodes ids outside the vocabulary to nothing', () => {
    expect(tokenizer.decode([...tokenizer.encode('a', { addSpecialTokens: false }), 5_000_000])).toBe('a')
    expect(tokenizer.decode([])).toBe('')
  })

  it('replaces a lone surrogate, as UTF-8 must', () => {
    const ids = tokenizer.encode('a\ud800b', { addSpecialTokens: false })
    expect(tokenizer.decode(ids)).toBe('a\ufffdb')
  })

  it('refuses what is no text', () => {
    expect(() => tokenizer.encode(undefined as never)).toThrow(
      'text to encode must be a string, not undefined',
    )
  })

  it('encodes a long text in place where there is no built thread', async () => {
    const text = 'Once upon a time there was a fox. '.repeat(1000)
    expect(await tokenizer.encodeAsync(text)).toEqual(tokenizer.encode(text))
  })
})
