import { describe, expect, it } from 'vitest'
import { flagWords, withDashes } from './spelling.js'

const known = new Set(['--max-batch-size', '--prompt', '--dtype'])

describe('both spellings', () => {
  it.each([
    [
      ['--max_batch_size', '4'],
      ['--max-batch-size', '4'],
    ],
    [['--max_batch_size=4'], ['--max-batch-size=4']],
    [['--max-batch_size=a_b'], ['--max-batch-size=a_b']],
    [
      ['--prompt', 'a_b'],
      ['--prompt', 'a_b'],
    ],
    [
      ['--prompt', '--two_dashes'],
      ['--prompt', '--two_dashes'],
    ],
    [
      ['--', '--max_batch_size'],
      ['--', '--max_batch_size'],
    ],
  ])('%j is %j', (given, expected) => {
    expect(withDashes(given, known)).toEqual(expected)
  })

  it('messages of the library are told in flags', () => {
    expect(
      flagWords('maxBatchSize 8 and max_batch_size are above maxNumTokens 4; dtype bf16 would fit', known),
    ).toBe('--max-batch-size 8 and --max-batch-size are above maxNumTokens 4; dtype bf16 would fit')
  })

  it('leaves paths as they are', () => {
    const message = '/data/max_tokens/config.json: not found; chat_template.jinja does not parse'
    expect(flagWords(message, new Set(['--max-tokens', '--chat-template']))).toBe(message)
  })
})
