import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TextChunk } from './text-chunk.js'

const chunkOf = (model: string) => (text: string) => ({
  ...{ id: 'cmpl-1', model },
  choices: [{ index: 0, text, logprobs: null }],
})

it('writes what JSON.stringify would, whatever the text, the name and the usage', () => {
  const usages = fc.constantFrom(undefined, null, { prompt_tokens: 3, completion_tokens: 4 })
  const texts = fc.string({ unit: 'binary', maxLength: 30 })
  fc.assert(
    fc.property(texts, fc.string({ unit: 'grapheme' }), usages, (text, model, usage) => {
      const chunk = chunkOf(model)
      const whole = usage === undefined ? chunk(text) : { ...chunk(text), usage }
      expect(new TextChunk(chunk).json(text, usage)).toBe(JSON.stringify(whole))
    }),
  )
})
