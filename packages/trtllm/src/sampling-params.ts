import type { LogitsProcessor } from './logits-processor.js'

/**
 * How to continue a prompt. Everything is optional; without `temperature`, `topK`, `topP` and `minP` the most likely
 * token is taken each time. Values of the model's generation_config.json are not applied, only its end ids.
 *
 * A token's logits go through, in this order: logit bias, repetition penalty, presence and frequency penalties, repeated
 * n-grams, bad words, end ids before `minTokens`; then temperature, minP, topK, topP.
 */
export interface SamplingParams {
  /** New tokens at most. Without it the answer may fill the model's context. */
  maxTokens?: number | undefined
  /** The answer does not end before this many new tokens. */
  minTokens?: number | undefined
  /** Divides the logits; 0 takes the most likely token. 1 when another filter is given without it. */
  temperature?: number | undefined
  /** Keeps the k most likely tokens; 0 = all. */
  topK?: number | undefined
  /** Keeps the most likely tokens until they hold this share of the probability; 0..1. */
  topP?: number | undefined
  /** Keeps tokens at least this fraction as likely as the best one; 0..1. */
  minP?: number | undefined
  /** Each new token multiplies `topP` by this, down to `topPMin`; 1 = off. */
  topPDecay?: number | undefined
  /** `topP` does not decay below it. Default 1e-6. */
  topPMin?: number | undefined
  /** The token id after which a decayed `topP` starts anew. */
  topPResetIds?: number | undefined
  /** Divides (or multiplies, where negative) logits of tokens in the prompt or the answer; 1 = off. */
  repetitionPenalty?: number | undefined
  /** Is taken from logits of tokens in the answer, once. */
  presencePenalty?: number | undefined
  /** Is taken from logits of tokens in the answer, as often as they occur. */
  frequencyPenalty?: number | undefined
  /** First prompt tokens that the penalties do not count. Default 0. */
  promptIgnoreLength?: number | undefined
  /** No run of this many tokens occurs twice in prompt and answer; 0 = off. */
  noRepeatNgramSize?: number | undefined
  /** Fixes the random numbers: 0..2^64-1, a bigint above 2^53. Choice i uses seed + i. */
  seed?: number | bigint | undefined
  /** Answers to the same prompt, 1..128. Default 1. */
  n?: number | undefined
  /**
   * Answers that are made, of which the `n` likeliest are returned, all at the end; at least `n`, at most 128. The width of
   * a beam search. Tokens of answers that are not returned are not counted.
   */
  bestOf?: number | undefined
  /**
   * Searches for the likeliest answers instead of sampling: `bestOf` (default `n`) beams run side by side and the best `n`
   * answers come, all at the end. Temperature, topK, topP and minP have no effect; a stop text cuts answers, but ends no
   * beam. Beams and end ids are at most 20 together.
   */
  useBeamSearch?: boolean | undefined
  /** Beams behind each token of the answer; the last number counts for all that follow. None is above the width. */
  beamWidthArray?: readonly number[] | undefined
  /** Answers of a search are ordered by log-probability / tokens ^ lengthPenalty. Default 0. */
  lengthPenalty?: number | undefined
  /**
   * When a search ends before its length: 1 (default) when as many answers as beams are there, 0 when no beam could beat
   * them at its present length, 2 when none could at any length.
   */
  earlyStopping?: number | undefined
  /** Is added to the rank of a beam's continuations, times the number of the beam. Default 0. */
  beamSearchDiversityRate?: number | undefined
  /**
   * Changes the logits of each next token, or several that do so one after the other, before bias, penalties, masks and
   * sampling. It runs in this process: every token of such an answer travels to it and back, so the answer's own steps
   * cannot overlap; other requests do not wait for it.
   */
  logitsProcessor?: LogitsProcessor | readonly LogitsProcessor[] | undefined
  /** Texts that end the answer; they are left out of it. */
  stop?: string | readonly string[] | undefined
  /** Token ids that end the answer beside the model's end ids. */
  stopTokenIds?: readonly number[] | undefined
  /** Whether the stop text or the text of the stop token stays in the answer. */
  includeStopStrInOutput?: boolean | undefined
  /** Whether the model's end ids are ordinary tokens. */
  ignoreEos?: boolean | undefined
  /** The one end id that counts instead of the model's; -1: none. */
  endId?: number | undefined
  /** Accepted for the sake of other engines: nothing is padded here. */
  padId?: number | undefined
  /** Words that must not occur, each also with a space before it. */
  bad?: string | readonly string[] | undefined
  /** The same as `bad`. */
  badWords?: readonly string[] | undefined
  /** Token ids, or sequences of them, that must not occur. */
  badTokenIds?: readonly (number | readonly number[])[] | undefined
  /** Is added to the logits of tokens: [id, value] pairs, or values (-100..100) by id. */
  logitBias?: readonly (readonly [id: number, value: number])[] | Readonly<Record<number, number>> | undefined
  /**
   * Log-probabilities of each new token: 0 = of the chosen one, k = also of the k best, at most 20. They are the model's
   * own, before bias, penalties, temperature and filters.
   */
  logprobs?: number | undefined
  /** The same of the prompt's tokens, each as the ones before it make it likely. */
  promptLogprobs?: number | undefined
  /** Whether special tokens are left out of the text. Default true. */
  skipSpecialTokens?: boolean | undefined
  /** Whether text prompts get the tokenizer's special tokens (a beginning-of-text id). Default true; chats never do. */
  addSpecialTokens?: boolean | undefined
  /** Keeps the last tokens of a prompt that is longer. */
  truncatePromptTokens?: number | undefined
  /** Whether token ids are turned into text. Default true. */
  detokenize?: boolean | undefined
  /** Whether the logits of every prompt position are returned. */
  returnContextLogits?: boolean | undefined
  /** Whether the logits that each new token was chosen by are returned, as the model gave them. */
  returnGenerationLogits?: boolean | undefined
}
