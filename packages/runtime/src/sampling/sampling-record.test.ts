import { listWords, samplingWords } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import type { EngineRequest } from '../request.js'
import { encodeSampling, endIdsOf, readsHistory } from './sampling-record.js'

const request = (fields: Partial<EngineRequest> = {}): EngineRequest => ({
  id: 'a',
  promptIds: Int32Array.of(1, 2, 3),
  ...fields,
})
const bits = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0]

describe('sampling record', () => {
  it('is greedy, unlimited and unbiased when nothing is asked', () => {
    const { record, lists } = encodeSampling(request(), [], 0n)
    const head = [bits(0), 0, bits(1), 0, bits(1), 0, 0, 0, 0, 3, 0, 0, 0, 0, -1, -1]
    const tail = [0, 0, 0, bits(1e-6), bits(1), -1, 0]
    expect([...record]).toEqual([...head, ...tail, ...new Array(9).fill(0)])
    expect(lists).toEqual([])
  })

  it('writes every field at its word, bit exact', () => {
    const { record, lists } = encodeSampling(
      request({
        temperature: 0.7,
        topK: 40,
        topP: 0.95,
        minP: 0.05,
        repetitionPenalty: 1.1,
        presencePenalty: -0.5,
        frequencyPenalty: 0.25,
        topPMin: 0.2,
        topPDecay: 0.9,
        topPResetId: 11,
        promptIgnoreLength: 2,
        noRepeatNgramSize: 3,
        minTokens: 4,
        logprobs: 5,
        logitBias: [
          [7, -1.5],
          [9, 100],
        ],
        badWords: [[4], [5, 6, 7]],
      }),
      [2, 8],
      0xfedcba98_87654321n,
    )
    const w = samplingWords
    const word = (index: number) => record[index]
    expect(word(w.temperature)).toBe(bits(0.7))
    expect(word(w.topK)).toBe(40)
    expect(word(w.topP)).toBe(bits(0.95))
    expect(word(w.minP)).toBe(bits(0.05))
    expect(word(w.repetitionPenalty)).toBe(bits(1.1))
    expect(word(w.presencePenalty)).toBe(bits(-0.5))
    expect(word(w.frequencyPenalty)).toBe(bits(0.25))
    expect([word(w.topPMin), word(w.topPDecay), word(w.topPResetId)]).toEqual([bits(0.2), bits(0.9), 11])
    expect([word(w.promptIgnoreLength), word(w.noRepeatNgramSize)]).toEqual([2, 3])
    expect(record[w.seedLow]! >>> 0).toBe(0x87654321)
    expect(record[w.seedHigh]! >>> 0).toBe(0xfedcba98)
    expect([word(w.promptLength), word(w.minTokens), word(w.numLogprobs)]).toEqual([3, 4, 5])
    expect([word(w.numEndIds), word(w.numBiases), word(w.numBadWordWords)]).toEqual([2, 2, 6])
    expect(lists.map(({ offset, words }) => [offset, ...words])).toEqual([
      [listWords.endIds, 2, 8],
      [listWords.biasIds, 7, 9],
      [listWords.biasValues, bits(-1.5), bits(100)],
      [listWords.badWords, 1, 4, 3, 5, 6, 7],
    ])
  })

  it.each([
    [{}, 0],
    [{ topP: 0.9 }, 1],
    [{ topK: 5 }, 1],
    [{ minP: 0.1 }, 1],
    [{ seed: 1 }, 0],
    [{ temperature: 0.5, topP: 0 }, 0],
    [{ temperature: 0, topP: 0.9 }, 0],
  ])('%o has temperature %f', (fields, temperature) => {
    expect(encodeSampling(request(fields), [], 0n).record[samplingWords.temperature]).toBe(bits(temperature))
  })

  it.each<[Partial<EngineRequest>, boolean, boolean]>([
    [{ temperature: 1, topK: 3, topP: 0.5, minP: 0.1, logprobs: 3 }, false, false],
    [{ repetitionPenalty: 1.1 }, true, true],
    [{ presencePenalty: -1 }, true, true],
    [{ frequencyPenalty: 1 }, true, true],
    [{ noRepeatNgramSize: 1 }, true, true],
    [{ logitBias: [[1, 1]] }, true, false],
    [{ minTokens: 1 }, true, false],
    [{ badWords: [[1]] }, true, false],
    [{ badWords: [[1, 2]] }, true, true],
    [{ topPDecay: 0.9 }, false, true],
    [{ topPDecay: 1, repetitionPenalty: 1, noRepeatNgramSize: 0 }, false, false],
  ])('%o changes logits: %s, reads earlier tokens: %s', (fields, processes, history) => {
    expect(encodeSampling(request(fields), [], 0n).record[samplingWords.processes]).toBe(processes ? 1 : 0)
    expect(readsHistory(request(fields))).toBe(history)
  })

  it('joins end ids and stop ids once each, without the end ids when they are ignored', () => {
    expect(endIdsOf(request({ stopIds: [5, 2] }), [2, 3])).toEqual([2, 3, 5])
    expect(endIdsOf(request({ stopIds: [5, 2], ignoreEos: true }), [2, 3])).toEqual([5, 2])
  })
})
