/**
 * Layout of the per-slot sampling record (i32 words; f32 values bit-cast) and of the per-slot lists.
 * `pnpm gen` writes the same numbers to native/generated/sampling-words.h.
 */
export const samplingWords = {
  temperature: 0, // f32; 0 = greedy
  topK: 1, // i32; 0 = off
  topP: 2, // f32; 1 = off
  minP: 3, // f32; 0 = off
  repetitionPenalty: 4, // f32; 1 = off
  presencePenalty: 5, // f32
  frequencyPenalty: 6, // f32
  seedLow: 7, // u32
  seedHigh: 8, // u32
  promptLength: 9, // tokens at positions below this are the prompt
  minTokens: 10, // end ids are masked while output tokens < minTokens
  numEndIds: 11,
  numBiases: 12,
  numBadWordWords: 13, // used words of the bad-word list
  numLogprobs: 14, // -1 none, 0 the chosen token only, k the k best too
  numPromptLogprobs: 15, // the same for prompt tokens
  processes: 16, // 1 where penalize has anything to do; 0: the raw logits are sampled
  promptIgnoreLength: 17, // tokens at positions below this are left out of the penalties
  noRepeatNgramSize: 18, // 0 = off
  topPMin: 19, // f32; topP does not decay below it
  topPDecay: 20, // f32; 1 = off
  topPResetId: 21, // the id after which topP starts anew; -1 = none
  numCandidates: 22, // ids listed for a row of candidates
} as const

export const samplingWordsPerSlot = 32

/** What is done with a row's logits. */
export const rowTasks = {
  none: 0,
  sample: 1, // draw an id and append it
  score: 2, // tell how likely the row's target is
  candidates: 3, // list the best ids, with penalties applied to log probabilities
} as const

/** Offsets (words) inside a slot's list record. Bad words are runs of (length, ids...). */
export const listWords = { endIds: 0, biasIds: 64, biasValues: 1088, badWords: 2112 } as const
export const listCapacity = { endIds: 64, biases: 1024, badWords: 1024 } as const
export const listWordsPerSlot = 3136

/** Most logprob candidates a row can return. */
export const maxLogprobs = 20
