import { listWords, maxLogprobs, samplingWords } from '@trtllm/kernels'
import { mix } from './content-hash.js'

/** The record and the lists of a slot, as words. */
export interface SlotWords {
  readonly record: Int32Array
  readonly lists: Int32Array
}

/**
 * The fake model's next token: a keyed hash of everything that was read, of the output index and of every used word of
 * the sampling record and lists, so that a wrong word anywhere changes the answer. End ids are avoided before
 * minTokens, as the real sampler does.
 */
export function fakeToken(content: number, position: number, slot: SlotWords, vocabSize: number): number {
  return notTooEarly(rowHash(content, position, slot) % vocabSize, position, slot, vocabSize)
}

/** Made-up but repeatable candidates of a row: distinct ids, best first, no end id before minTokens. */
export function fakeCandidates(
  content: number,
  position: number,
  slot: SlotWords,
  vocabSize: number,
): { topIds: number[]; topLogprobs: number[] } {
  const hash = rowHash(content, position, slot)
  const ids = new Set<number>()
  for (let i = 0; ids.size < slot.record[samplingWords.numCandidates]!; i++)
    ids.add(notTooEarly(mix(hash, i) % vocabSize, position, slot, vocabSize))
  const topIds = [...ids]
  return { topIds, topLogprobs: topIds.map((_, at) => -0.25 - at - (mix(hash, at) % 64) / 64) }
}

/** Hash of everything that was read, of the output index and of every used word of the record and the lists. */
function rowHash(content: number, position: number, { record, lists }: SlotWords): number {
  const outputIndex = position + 1 - record[samplingWords.promptLength]!
  let hash = mix(content, outputIndex)
  for (const word of record) hash = mix(hash, word)
  const numBiases = record[samplingWords.numBiases]!
  const parts: [number, number][] = [
    [listWords.biasIds, numBiases],
    [listWords.biasValues, numBiases],
    [listWords.badWords, record[samplingWords.numBadWordWords]!],
  ]
  for (const [offset, count] of parts) {
    for (let i = 0; i < count; i++) hash = mix(hash, lists[offset + i]!)
  }
  return hash
}

function notTooEarly(id: number, position: number, { record, lists }: SlotWords, vocabSize: number): number {
  const outputIndex = position + 1 - record[samplingWords.promptLength]!
  if (outputIndex >= record[samplingWords.minTokens]!) return id
  const numEnds = record[samplingWords.numEndIds]!
  const endIds = lists.subarray(listWords.endIds, listWords.endIds + numEnds)
  let token = id
  while (endIds.includes(token)) token = (token + 1) % vocabSize
  return token
}

/** Made-up but repeatable log probabilities of a token. */
export function fakeLogprobs(content: number): {
  logprob: number
  rank: number
  topIds: number[]
  topLogprobs: number[]
} {
  const indices = Array.from({ length: maxLogprobs }, (_, index) => index)
  return {
    logprob: -(content % 1000) / 128,
    rank: 1 + (content % 5),
    topIds: indices.map((index) => mix(content, index) % 1000),
    topLogprobs: indices.map((index) => -index / 4),
  }
}

/** Made-up but repeatable logit of an id. */
export function fakeLogit(content: number, id: number): number {
  return (mix(content, id) % 4096) / 256 - 8
}

/** What tests choose by logits where a request leaves the choice to them. */
export function bestId(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits))
}
