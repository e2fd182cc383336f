import type { OpCase } from './define-op.js'
import { concatWords, f32Word, integers, type SamplingRecord, samplingRecord } from './op-cases.js'
import { listWords, listWordsPerSlot, rowTasks } from './sampling-words.js'

const logitsOf = (count: number, random: () => number) =>
  Float32Array.from({ length: count }, () => 12 * random() - 6)

const onePerSlot = (rows: number) => Int32Array.from({ length: rows }, (_, row) => row)

/** Ids of a small set, so that some n-gram of the end of each slot occurs before. */
const repeatingIds = (count: number, vocab: number, random: () => number) =>
  integers(count, 0, Math.min(vocab, 7), random)

/**
 * Inputs of a penalize case: row r uses slot r; slot r has each penalty on or off by the bits of r, end ids, logit
 * biases, a one-id bad word, and a bad word of three ids whose prefix is the end of the sequence in every second slot.
 * Every third slot repeats no n-gram of 1 to 3 ids, every fourth leaves the first prompt tokens out, and every fifth row
 * lists candidates.
 */
export function penalizeInputs({ dims }: OpCase, random: () => number) {
  const { rows = 1, vocab = 1, slots = 1, length = 1 } = dims
  const slotTokens = integers(slots * length, 0, vocab, random)
  for (let slot = 0; slot < slots; slot += 3)
    slotTokens.set(repeatingIds(length, vocab, random), slot * length)
  const rowPosition = integers(rows, Math.min(2, length - 2), length - 1, random)
  const lists = new Int32Array(slots * listWordsPerSlot)
  const records = Array.from({ length: slots }, (_, slot) => {
    const position = rowPosition[slot] ?? 0
    const promptLength = 1 + Math.floor(random() * (position + 1))
    const at = slot * listWordsPerSlot
    lists.set([slot % vocab, vocab + 5], at + listWords.endIds)
    const biases = integers(4, 0, vocab, random)
    lists.set([...new Set(biases)], at + listWords.biasIds)
    lists.set([f32Word(-2.5), f32Word(3), f32Word(0.125), f32Word(-100)], at + listWords.biasValues)
    const before = slot * length + position
    const prefix = [slotTokens[before - 1] ?? 0, slotTokens[before] ?? 0]
    if (slot % 2 === 1) prefix.reverse()
    const banned = integers(2, 0, vocab, random)
    lists.set([1, banned[0] ?? 0, 3, ...prefix, banned[1] ?? 0], at + listWords.badWords)
    return samplingRecord({
      processes: 1,
      repetitionPenalty: slot & 1 ? 1.3 : 1,
      presencePenalty: slot & 2 ? 0.7 : 0,
      frequencyPenalty: slot & 4 ? -0.4 : 0,
      promptLength,
      promptIgnoreLength: slot % 4 === 3 ? Math.floor(promptLength / 2) : 0,
      noRepeatNgramSize: slot % 3 === 0 ? 1 + ((slot / 3 + 1) % 3) : 0,
      minTokens: slot % 3 === 0 ? length : 0,
      numEndIds: 2,
      numBiases: slot & 1 ? new Set(biases).size : 0,
      numBadWordWords: slot % 5 === 4 ? 0 : 6,
    })
  })
  return {
    logits: logitsOf(rows * vocab, random),
    rowSlot: onePerSlot(rows),
    rowPosition,
    rowSample: Int32Array.from({ length: rows }, (_, row) =>
      row % 5 === 2 ? rowTasks.candidates : rowTasks.sample,
    ),
    slotTokens,
    sampling: concatWords(records),
    lists,
  }
}

const sampleSettings: readonly SamplingRecord[] = [
  {},
  { temperature: 1 },
  { temperature: 0.7, topK: 1 },
  { temperature: 0.8, topK: 5 },
  { temperature: 1.3, topP: 0.9 },
  { temperature: 1, topP: 0 },
  { temperature: 0.9, minP: 0.05 },
  { temperature: 1.1, minP: 0.01, topK: 20, topP: 0.8 },
  { temperature: 0.8, topP: 0.95, topPDecay: 0.9, topPMin: 0.2, topPResetId: 3 },
  { temperature: 2, topP: 0.9, topPDecay: 0.5, topPMin: 1e-6 },
]

/**
 * Inputs of a sample case: row r uses slot r, the settings take turns, every ninth row is not sampled, every other slot
 * has processed logits.
 */
export function sampleInputs({ dims }: OpCase, random: () => number) {
  const { rows = 1, vocab = 1, slots = 1, length = 1 } = dims
  const records = Array.from({ length: slots }, (_, slot) =>
    samplingRecord({
      ...sampleSettings[slot % sampleSettings.length],
      seedLow: Math.floor(random() * 2 ** 32) | 0,
      seedHigh: Math.floor(random() * 2 ** 32) | 0,
      promptLength: 1,
      processes: slot % 2,
    }),
  )
  return {
    logits: logitsOf(rows * vocab, random),
    processed: logitsOf(rows * vocab, random),
    rowSlot: onePerSlot(rows),
    rowPosition: integers(rows, 0, length - 1, random),
    rowSample: Int32Array.from({ length: rows }, (_, row) =>
      row % 9 === 8 ? [rowTasks.none, rowTasks.score, rowTasks.candidates][row % 3]! : rowTasks.sample,
    ),
    sampling: concatWords(records),
    slotTokens: integers(slots * length, 0, vocab, random),
  }
}

/**
 * Inputs of a logprobs case: slot i asks for 20, none, 0, 5, 20, ... candidates, and for others where it scores or
 * lists; rows sample, score and list in turn. Token -1 is a row that was not sampled.
 */
export function logprobsInputs({ dims }: OpCase, random: () => number) {
  const { rows = 1, vocab = 1, slots = 1 } = dims
  const wanted = [20, -1, 0, 5]
  return {
    logits: Float32Array.from({ length: rows * vocab }, () => 16 * random() - 8),
    processed: Float32Array.from({ length: rows * vocab }, () => -16 * random()),
    token: integers(rows, rows === 1 ? 0 : -1, vocab, random),
    rowSlot: Int32Array.from({ length: rows }, (_, row) => row % slots),
    rowSample: Int32Array.from(
      { length: rows },
      (_, row) =>
        [rowTasks.sample, rowTasks.score, rowTasks.candidates, rowTasks.none][Math.floor(row / 2) % 4]!,
    ),
    rowTarget: integers(rows, -1, vocab, random),
    sampling: concatWords(
      Array.from({ length: slots }, (_, slot) =>
        samplingRecord({
          numLogprobs: wanted[slot % 4]!,
          numPromptLogprobs: wanted[(slot + 3) % 4]!,
          numCandidates: 1 + (slot % 20),
          processes: slot % 2,
        }),
      ),
    ),
  }
}
