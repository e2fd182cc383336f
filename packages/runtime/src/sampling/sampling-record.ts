import { listWords, samplingWords, samplingWordsPerSlot } from '@trtllm/kernels'
import { BeamSearch } from '../choosing/beam-search.js'
import type { EngineRequest } from '../request.js'

/** A run of words inside a slot's list record. */
export interface ListWords {
  /** Word offset inside the record, see `listWords`. */
  readonly offset: number
  readonly words: Int32Array
}

/** What the device knows about how a request is sampled: its record and the used parts of its lists. */
export interface SamplingWords {
  readonly record: Int32Array
  readonly lists: readonly ListWords[]
}

/** Writes a valid request as words, bit exact: f32 values as their bits, the seed as two unsigned halves. */
export function encodeSampling(
  request: EngineRequest,
  endIds: readonly number[],
  seed: bigint,
): SamplingWords {
  const record = new Int32Array(samplingWordsPerSlot)
  const floats = new Float32Array(record.buffer)
  const biases = request.logitBias ?? []
  const badWords = encodeBadWords(request.badWords ?? [])
  floats[samplingWords.temperature] = effectiveTemperature(request)
  record[samplingWords.topK] = request.topK ?? 0
  floats[samplingWords.topP] = request.topP ?? 1
  floats[samplingWords.minP] = request.minP ?? 0
  floats[samplingWords.repetitionPenalty] = request.repetitionPenalty ?? 1
  floats[samplingWords.presencePenalty] = request.presencePenalty ?? 0
  floats[samplingWords.frequencyPenalty] = request.frequencyPenalty ?? 0
  record[samplingWords.seedLow] = Number(BigInt.asIntN(32, seed))
  record[samplingWords.seedHigh] = Number(BigInt.asIntN(32, seed >> 32n))
  record[samplingWords.promptLength] = request.promptIds.length
  record[samplingWords.minTokens] = request.minTokens ?? 0
  record[samplingWords.numEndIds] = endIds.length
  record[samplingWords.numBiases] = biases.length
  record[samplingWords.numBadWordWords] = badWords.length
  record[samplingWords.numLogprobs] = request.logprobs ?? -1
  record[samplingWords.numPromptLogprobs] = request.promptLogprobs ?? -1
  record[samplingWords.processes] = isProcessed(request) ? 1 : 0
  record[samplingWords.promptIgnoreLength] = request.promptIgnoreLength ?? 0
  record[samplingWords.noRepeatNgramSize] = request.noRepeatNgramSize ?? 0
  floats[samplingWords.topPMin] = request.topPMin ?? 1e-6
  floats[samplingWords.topPDecay] = request.topPDecay ?? 1
  record[samplingWords.topPResetId] = request.topPResetId ?? -1
  record[samplingWords.numCandidates] = numCandidates(request, endIds.length)
  const lists: ListWords[] = [
    { offset: listWords.endIds, words: Int32Array.from(endIds) },
    { offset: listWords.biasIds, words: Int32Array.from(biases, ([id]) => id) },
    { offset: listWords.biasValues, words: floatBits(biases.map(([, value]) => value)) },
    { offset: listWords.badWords, words: badWords },
  ]
  return { record, lists: lists.filter(({ words }) => words.length > 0) }
}

/** Continuations that a device lists of a beam: all that the search needs, and those that are told. */
export function numCandidates({ beams, logprobs = 0 }: EngineRequest, numEndIds: number): number {
  return beams ? Math.max(BeamSearch.candidates(beams.width, numEndIds), logprobs) : 0
}

const hasPenalties = ({ repetitionPenalty, presencePenalty, frequencyPenalty }: EngineRequest): boolean =>
  (repetitionPenalty ?? 1) !== 1 || (presencePenalty ?? 0) !== 0 || (frequencyPenalty ?? 0) !== 0

/** Whether the logits of a request are changed before they are sampled. */
function isProcessed(request: EngineRequest): boolean {
  const { minTokens = 0, badWords = [], logitBias = [], noRepeatNgramSize = 0 } = request
  const changes = minTokens > 0 || badWords.length > 0 || logitBias.length > 0 || noRepeatNgramSize > 0
  return changes || hasPenalties(request)
}

/** Whether sampling looks at tokens before the last one. */
export function readsHistory(request: EngineRequest): boolean {
  const { badWords = [], noRepeatNgramSize = 0, topPDecay = 1 } = request
  return (
    hasPenalties(request) || noRepeatNgramSize > 0 || topPDecay < 1 || badWords.some((ids) => ids.length > 1)
  )
}

/** Temperature a request is sampled with; a topP of 0 leaves only the best id and is greedy. */
function effectiveTemperature({ temperature, topK, topP, minP }: EngineRequest): number {
  if (topP === 0) return 0
  if (temperature !== undefined) return temperature
  return topK !== undefined || topP !== undefined || minP !== undefined ? 1 : 0
}

/** Runs of (length, ids...). */
export function encodeBadWords(badWords: readonly (readonly number[])[]): Int32Array {
  return Int32Array.from(badWords.flatMap((ids) => [ids.length, ...ids]))
}

function floatBits(values: readonly number[]): Int32Array {
  return new Int32Array(Float32Array.from(values).buffer)
}

/** Ids that end a request: the model's, unless it ignores them, and its own; without duplicates. */
export function endIdsOf(
  request: Pick<EngineRequest, 'stopIds' | 'ignoreEos'>,
  eosIds: readonly number[],
): number[] {
  return [...new Set([...(request.ignoreEos ? [] : eosIds), ...(request.stopIds ?? [])])]
}
