import { expect, it } from 'vitest'
import { packOutputs, unpackOutputs } from './packed-outputs.js'
import type { Output } from './request.js'

const usage = { promptTokens: 1, completionTokens: 2, cachedTokens: 0 }
const contextLogits = { firstPosition: 0, rows: 1, vocab: 2, values: Float32Array.of(1, 2) }
const logprobs = [{ logprob: -1, rank: 1, topIds: Int32Array.of(4), topLogprobs: Float32Array.of(-1) }]
const outputs: Output[] = [
  { id: 'a', tokens: Int32Array.of(7) },
  { id: 'b', tokens: Int32Array.of(8), finish: { reason: 'length', usage } },
  { id: 'c', tokens: new Int32Array(0), contextLogits },
  { id: 'c', tokens: Int32Array.of(9), contextLogits },
  { id: 'd', tokens: Int32Array.of(4), logprobs },
  { id: 'e', tokens: Int32Array.of(1, 2) },
  { id: 'f', tokens: new Int32Array(0), finish: { reason: 'cancelled', usage } },
]

it('gives back every output, those of one id in their order', () => {
  const back = [...unpackOutputs(structuredClone(packOutputs(outputs)))]
  const of = (all: readonly Output[], id: string) => all.filter((output) => output.id === id)
  for (const { id } of outputs) expect(of(back, id)).toEqual(of(outputs, id))
  expect(back).toHaveLength(outputs.length)
})

it('packs nothing but plain tokens', () => {
  const { ids, tokens, whole } = packOutputs(outputs)
  expect([ids, [...tokens], whole.length]).toEqual([['a'], [7], 6])
})
