import { modelPath } from '@trtllm/tales'
import { loadTokenizer } from '@trtllm/text'
import { describe, expect, it } from 'vitest'
import { encodePrompt, isOnePrompt, type Prompt } from './prompt.js'

const tokenizer = loadTokenizer(modelPath)
const encode = (prompt: unknown, fields = {}, by: typeof tokenizer | undefined = tokenizer) =>
  encodePrompt(
    prompt as Prompt,
    { addSpecialTokens: true, truncatePromptTokens: undefined, ...fields },
    by,
    2048,
  )
const message = { role: 'user', content: 'hi' }
const chatIds = [
  ...tokenizer.encode(tokenizer.render([message], { addGenerationPrompt: true }), {
    addSpecialTokens: false,
  }),
]

describe('prompts', () => {
  it.each([
    ['a fox', [...tokenizer.encode('a fox')]],
    [{ prompt: 'a fox' }, [...tokenizer.encode('a fox')]],
    [
      [5, 6],
      [5, 6],
    ],
    [Int32Array.of(5, 6), [5, 6]],
    [{ promptTokenIds: [5, 6] }, [5, 6]],
    [[message], chatIds],
    [{ messages: [message] }, chatIds],
  ])('%j', async (prompt, ids) => {
    expect([...(await encode(prompt)).ids]).toEqual(ids)
  })

  it('keep their text, as the template wrote it', async () => {
    expect((await encode('a fox')).text).toBe('a fox')
    expect((await encode([message])).text).toBe(
      '<|bos|><|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n',
    )
    expect((await encode([1])).text).toBeUndefined()
    expect((await encode({ messages: [message], addGenerationPrompt: false })).text).not.toContain(
      'assistant',
    )
  })

  it('without special tokens, or only their end', async () => {
    expect([...(await encode('a fox', { addSpecialTokens: false })).ids][0]).not.toBe(0)
    expect([...(await encode([1, 2, 3, 4], { truncatePromptTokens: 2 })).ids]).toEqual([3, 4])
  })

  it.each([
    [undefined, 'the prompt is undefined'],
    [null, 'the prompt is null'],
    [{}, 'the prompt is object'],
    [{ prompt: 7 }, 'prompt.prompt is number'],
    [[2 ** 32], 'prompt token id 0 is 4294967296'],
    [[1, 1.5], 'prompt token id 1 is 1.5'],
    [{ promptTokenIds: [-1] }, 'prompt token id 0 is -1'],
  ])('refuse %j', async (prompt, text) => {
    await expect(encode(prompt)).rejects.toThrow(text)
  })

  it('that surely do not fit are refused before they are tokenized, unless their end is asked for', async () => {
    const long = 'tale '.repeat(20_000)
    await expect(encode(long)).rejects.toThrow(/^the prompt has at least \d+ tokens, at most 2047 leave room/)
    await expect(encode([{ role: 'user', content: long }])).rejects.toThrow('the prompt has at least')
    expect((await encode(long, { truncatePromptTokens: 5 })).ids).toHaveLength(5)
    await expect(encode({ messages: [] })).rejects.toThrow('messages is empty')
  })

  it('of text need a tokenizer', async () => {
    const bare = { addSpecialTokens: true, truncatePromptTokens: undefined }
    await expect(encodePrompt('a fox', bare, undefined, 2048)).rejects.toThrow(
      'a prompt of text needs a tokenizer',
    )
    expect([...(await encodePrompt([7], bare, undefined, 2048)).ids]).toEqual([7])
  })

  it('tell one from several', () => {
    for (const one of ['a', [1, 2], [message], { prompt: 'a' }, { messages: [] }, Int32Array.of(1)])
      expect(isOnePrompt(one as Prompt)).toBe(true)
    for (const several of [[], ['a'], [[1]], [[message]], [{ prompt: 'a' }], [Int32Array.of(1)]])
      expect(isOnePrompt(several as Prompt[])).toBe(false)
  })
})
