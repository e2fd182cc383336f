import { modelPath } from '@trtllm/tales'
import { loadTokenizer } from '@trtllm/text'
import { describe, expect, it } from 'vitest'
import { checkSamplingParams } from './check-sampling-params.js'
import type { SamplingParams } from './sampling-params.js'

const tokenizer = loadTokenizer(modelPath)
const bounds = { vocabSize: 4096, eosIds: [1, 3], tokenizer }
const check = (params: object) => checkSamplingParams(params as SamplingParams, bounds)

const refused: [params: object, code: string, message: string | RegExp][] = [
  [{ signal: null }, 'invalid_request', /^signal is no sampling parameter; it goes into the third argument/],
  [{ temprature: 1 }, 'invalid_request', /^temprature is no sampling parameter; expected one of maxTokens, /],
  [{ __proto__: null, constructor: 1 }, 'invalid_request', /^constructor is no sampling parameter/],
  [{ temperature: '1' }, 'invalid_type', 'temperature is "1", expected a number'],
  [{ ignoreEos: 1 }, 'invalid_type', 'ignoreEos is 1, expected true or false'],
  [{ seed: 'x' }, 'invalid_type', 'seed is "x", expected a number or a bigint'],
  [{ stop: [1] }, 'invalid_type', 'stop is [ 1 ], expected a string or a list of strings'],
  [{ stopTokenIds: [1, 'a'] }, 'invalid_type', "stopTokenIds is [ 1, 'a' ], expected a list of token ids"],
  [
    { badTokenIds: [[1], 'a'] },
    'invalid_type',
    "badTokenIds is [ [ 1 ], 'a' ], expected a list of token ids or of lists of them",
  ],
  [
    { logitBias: [[1]] },
    'invalid_type',
    'logitBias is [ [ 1 ] ], expected a list of [id, value] or an object of values by id',
  ],
  [{ n: 0 }, 'out_of_range', 'n is 0, expected a whole number of 1..128'],
  [{ n: 129 }, 'out_of_range', 'n is 129, expected a whole number of 1..128'],
  [
    { truncatePromptTokens: 0.5 },
    'out_of_range',
    'truncatePromptTokens is 0.5, expected a whole number of at least 1',
  ],
  [{ stop: ['a', ''] }, 'invalid_request', 'stop has an empty string, which would end every answer'],
  [{ stop: Array(17).fill('x') }, 'out_of_range', 'stop has 17 strings, expected at most 16'],
  [{ stop: 'x'.repeat(257) }, 'out_of_range', 'stop has a string of 257 bytes, expected at most 256'],
  [{ stopTokenIds: [4096] }, 'out_of_range', 'stopTokenIds has 4096, expected token ids of 0..4095'],
  [{ badTokenIds: [[]] }, 'invalid_request', 'badTokenIds[0] is empty, expected a token id'],
  [{ badTokenIds: [3, [-1]] }, 'out_of_range', 'badTokenIds[1] has -1, expected token ids of 0..4095'],
  [{ bad: ' ' }, 'invalid_request', 'bad has an empty word'],
  [{ lengthPenalty: 1 }, 'invalid_request', 'lengthPenalty needs useBeamSearch to be true'],
  [
    { logitsProcessor: 3 },
    'invalid_type',
    'logitsProcessor is 3, expected a function or a list of functions',
  ],
  [
    { logitsProcessor: () => {}, useBeamSearch: true },
    'unsupported',
    'logitsProcessor does not go with useBeamSearch',
  ],
  [{ n: 3, bestOf: 2 }, 'out_of_range', 'bestOf is 2, expected a whole number of 3..128'],
  [{ useBeamSearch: true, n: 19 }, 'out_of_range', 'n is 19, at most 18 beams fit beside 2 end ids'],
  [
    { useBeamSearch: true, n: 18, stopTokenIds: [7] },
    'out_of_range',
    'n is 18, at most 17 beams fit beside 3 end ids',
  ],
  [{ useBeamSearch: true, n: 2, earlyStopping: 3 }, 'out_of_range', 'earlyStopping is 3, expected 0, 1 or 2'],
  [
    { useBeamSearch: true, n: 2, beamWidthArray: [3] },
    'out_of_range',
    'beamWidthArray has 3, expected whole numbers of 1..2',
  ],
  [
    { useBeamSearch: true, lengthPenalty: Number.NaN },
    'out_of_range',
    'lengthPenalty is NaN, expected a number of -100..100',
  ],
  [{ stop: 'x', detokenize: false }, 'unsupported', /^stop needs text/],
]

describe('sampling parameters', () => {
  it.each(refused)('refuse %j', (params, code, message) => {
    const field = String(message).match(/[a-zA-Z]+(\[\d+\])?/)![0]
    const details = typeof message === 'string' ? { field, param: field } : expect.anything()
    expect(() => check(params)).toThrow(
      expect.objectContaining({
        code,
        details,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }) as Error,
    )
  })

  it.each([5, null, 'greedy'])('that are %j and no object are refused', (params) => {
    expect(() => check(params as never)).toThrow(/^params is .+, expected an object of sampling parameters$/)
  })

  it('have defaults that leave the engine its own', () => {
    expect(check({})).toEqual({
      engine: {},
      n: 1,
      bestOf: 1,
      processors: [],
      minTokens: 0,
      stop: [],
      stopTokenIds: [],
      includeStop: false,
      skipSpecialTokens: true,
      addSpecialTokens: true,
      detokenize: true,
      truncatePromptTokens: undefined,
    })
    expect(check({ temperature: undefined, stop: undefined })).toEqual(check({}))
  })

  it('reach the engine under its names', () => {
    const { engine, stop } = check({
      maxTokens: 4,
      seed: 7n,
      stop: 'END',
      stopTokenIds: [9, 9],
      logitBias: { 5: -100 },
      badTokenIds: [8, [9, 10]],
      logprobs: 0,
    })
    expect(stop).toEqual(['END'])
    expect(engine).toEqual({
      maxTokens: 4,
      seed: 7n,
      stopIds: [9],
      logitBias: [[5, -100]],
      badWords: [[8], [9, 10]],
      logprobs: 0,
    })
  })

  it('ban a word at the beginning of a text and within it', () => {
    const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
    expect(check({ bad: 'fox', badWords: [' fox', 'tale'] }).engine.badWords).toEqual([
      ids('fox'),
      ids(' fox'),
      ids('tale'),
      ids(' tale'),
    ])
  })

  it("end answers at the tokenizer's end id where the model's files do not name it", () => {
    const own = { ...bounds, eosIds: [3] }
    expect(checkSamplingParams({ stopTokenIds: [7] }, own).engine.stopIds).toEqual([7, 1])
    expect(checkSamplingParams({ ignoreEos: true }, own).engine.stopIds).toBeUndefined()
  })

  it('that need text are refused without a tokenizer', () => {
    const none = { ...bounds, tokenizer: undefined }
    expect(checkSamplingParams({ maxTokens: 1 }, none).detokenize).toBe(false)
    expect(() => checkSamplingParams({ stop: 'a' }, none)).toThrow('stop needs text')
    expect(() => checkSamplingParams({ bad: 'a' }, none)).toThrow('bad needs a tokenizer')
  })
})
