import { TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import type { EngineRequest } from '../request.js'
import { validateRequest } from './validate-request.js'

const bounds = { vocabSize: 100, maxSeqLen: 32, eosIds: [2] }
const request = (fields: Partial<EngineRequest>): EngineRequest => ({
  id: 'a',
  promptIds: Int32Array.of(1, 2, 3),
  ...fields,
})

function refusalOf(fields: Partial<EngineRequest>): TrtllmError | undefined {
  try {
    validateRequest(request(fields), bounds)
    return undefined
  } catch (error) {
    if (error instanceof TrtllmError) return error
    throw error
  }
}

describe('validateRequest', () => {
  it('accepts what is in bounds', () => {
    validateRequest(request({}), bounds)
    validateRequest(
      request({
        maxTokens: 29,
        minTokens: 29,
        temperature: 0,
        topK: 0,
        topP: 1,
        minP: 1,
        repetitionPenalty: 0.01,
        seed: 2n ** 64n - 1n,
        stopIds: Array.from({ length: 63 }, (_, id) => id + 3),
        badWords: Array.from({ length: 512 }, (_, id) => [id % 100]),
        logitBias: Array.from({ length: 100 }, (_, id) => [id, -100] as const),
        logprobs: 20,
        deadlineMs: 0,
      }),
      bounds,
    )
  })

  it.each<[string, Partial<EngineRequest>, string, RegExp]>([
    ['id', { id: '' }, 'invalid_request', /^id must be/],
    ['promptIds', { promptIds: new Int32Array(0) }, 'invalid_request', /promptIds is empty/],
    ['promptIds', { promptIds: [1] as unknown as Int32Array }, 'invalid_type', /Int32Array/],
    [
      'promptIds',
      { promptIds: Int32Array.of(1, 100) },
      'out_of_range',
      /promptIds\[1\] is 100, expected a token id of 0\.\.99/,
    ],
    ['promptIds', { promptIds: Int32Array.of(-1) }, 'out_of_range', /promptIds\[0\] is -1/],
    ['promptIds', { promptIds: new Int32Array(32) }, 'context_length_exceeded', /has 32 tokens, at most 31/],
    ['maxTokens', { maxTokens: 0 }, 'out_of_range', /maxTokens is 0, expected a whole number of at least 1/],
    ['maxTokens', { maxTokens: -5 }, 'out_of_range', /maxTokens is -5/],
    ['maxTokens', { maxTokens: 1.5 }, 'out_of_range', /maxTokens is 1.5/],
    ['maxTokens', { maxTokens: Number.NaN }, 'out_of_range', /maxTokens is NaN/],
    ['maxTokens', { maxTokens: '5' as unknown as number }, 'invalid_type', /must be a number, not string/],
    ['maxTokens', { maxTokens: 30 }, 'context_length_exceeded', /leaves 29 of 32/],
    [
      'minTokens',
      { minTokens: 6, maxTokens: 5 },
      'out_of_range',
      /minTokens is 6, expected a whole number of 0\.\.5/,
    ],
    ['temperature', { temperature: Number.NaN }, 'out_of_range', /temperature is NaN/],
    ['temperature', { temperature: -0.1 }, 'out_of_range', /temperature is -0.1/],
    ['temperature', { temperature: Number.POSITIVE_INFINITY }, 'out_of_range', /temperature is Infinity/],
    ['topK', { topK: -1 }, 'out_of_range', /topK is -1/],
    ['topP', { topP: 1.01 }, 'out_of_range', /topP is 1.01, expected a number of 0\.\.1/],
    ['minP', { minP: -1 }, 'out_of_range', /minP is -1/],
    ['topPMin', { topPMin: 1.5 }, 'out_of_range', /topPMin is 1.5/],
    ['topPDecay', { topPDecay: 0 }, 'out_of_range', /topPDecay is 0, expected a number above 0/],
    ['topPDecay', { topPDecay: 1.01 }, 'out_of_range', /topPDecay is 1.01/],
    ['topPResetId', { topPResetId: 100 }, 'out_of_range', /topPResetId is 100/],
    ['promptIgnoreLength', { promptIgnoreLength: -1 }, 'out_of_range', /promptIgnoreLength is -1/],
    ['noRepeatNgramSize', { noRepeatNgramSize: 1.5 }, 'out_of_range', /noRepeatNgramSize is 1.5/],
    ['repetitionPenalty', { repetitionPenalty: 0 }, 'out_of_range', /above 0/],
    ['presencePenalty', { presencePenalty: Number.NaN }, 'out_of_range', /presencePenalty is NaN/],
    ['frequencyPenalty', { frequencyPenalty: 1e9 }, 'out_of_range', /frequencyPenalty/],
    ['seed', { seed: -1 }, 'out_of_range', /seed is -1/],
    ['seed', { seed: 1.5 }, 'out_of_range', /seed is 1.5/],
    ['seed', { seed: 2n ** 64n }, 'out_of_range', /2\^64-1/],
    ['stopIds', { stopIds: [100] }, 'out_of_range', /stopIds\[0\] is 100/],
    ['stopIds', { stopIds: Array.from({ length: 65 }, (_, id) => id) }, 'out_of_range', /are 65, at most 64/],
    ['badWords', { badWords: [[]] }, 'invalid_request', /badWords\[0\] is empty/],
    ['badWords[1]', { badWords: [[1], [1, 200]] }, 'out_of_range', /badWords\[1\]\[1\] is 200/],
    ['badWords', { badWords: Array.from({ length: 513 }, () => [1]) }, 'out_of_range', /need 1026 words/],
    ['logitBias', { logitBias: [[100, 1]] }, 'out_of_range', /logitBias\[0\] is 100/],
    ['logitBias[5]', { logitBias: [[5, Number.NaN]] }, 'out_of_range', /logitBias\[5\] is NaN/],
    [
      'logitBias',
      {
        logitBias: [
          [5, 1],
          [5, 2],
        ],
      },
      'invalid_request',
      /twice/,
    ],
    [
      'logitBias',
      { logitBias: Array.from({ length: 1025 }, () => [1, 1] as const) },
      'out_of_range',
      /1025 entries, at most 1024/,
    ],
    ['logprobs', { logprobs: 21 }, 'out_of_range', /logprobs is 21, expected a whole number of 0\.\.20/],
    ['deadlineMs', { deadlineMs: -1 }, 'out_of_range', /deadlineMs is -1/],
  ])('names %s: %o', (field, fields, code, message) => {
    const refusal = refusalOf(fields)
    expect(refusal).toMatchObject({ code, details: { field } })
    expect(refusal?.message).toMatch(message)
  })
})
