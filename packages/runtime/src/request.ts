import type { ErrorCode } from '@trtllm/kernels'
import type { RetentionConfig } from './cache/retention.js'
import type { BeamOptions } from './choosing/beam-search.js'

/**
 * Search for the likeliest answers instead of sampling one: all continuations of the best beams are compared in each step.
 * Log probabilities are the model's own, with bias, penalties and masks applied to them; temperature and cuts do not count.
 */
export interface BeamRequest extends BeamOptions {
  /** Answers to return, at most `width`. */
  readonly count: number
}

/** One sequence to generate. Token ids only: text, templates and stop strings live above the engine. */
export interface EngineRequest {
  /** Unique among the live requests of the engine. */
  readonly id: string
  /** At least one id, all inside the vocabulary. */
  readonly promptIds: Int32Array
  /** New tokens at most; without it the sequence may fill `maxSeqLen`. */
  readonly maxTokens?: number
  /** End ids are not sampled before this many new tokens. */
  readonly minTokens?: number
  /** 0 is greedy. Without it: 1 when topK, topP or minP is given, else greedy. */
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  /** Each new token multiplies topP by this, down to topPMin, until topPResetId is sampled; 1 = off. */
  readonly topPDecay?: number
  readonly topPMin?: number
  readonly topPResetId?: number
  readonly repetitionPenalty?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  /** First prompt tokens that the penalties do not see. */
  readonly promptIgnoreLength?: number
  /** No run of this many ids occurs twice in prompt and output; 0 = off. */
  readonly noRepeatNgramSize?: number
  /** Unsigned 64-bit. Fixes the random stream; without it the engine draws one. */
  readonly seed?: bigint | number
  /** Ids that end the sequence beside the model's end ids. */
  readonly stopIds?: readonly number[]
  /** Whether the model's own end ids are ordinary tokens. */
  readonly ignoreEos?: boolean
  /** Token sequences whose last id is never sampled after the ones before it. */
  readonly badWords?: readonly (readonly number[])[]
  readonly logitBias?: readonly (readonly [id: number, value: number])[]
  /** Log probabilities of each new token: 0 = the chosen one only, k = also the k best. */
  readonly logprobs?: number
  /** The same of each prompt token but the first, as the tokens before it make it likely. */
  readonly promptLogprobs?: number
  /** Whether the logits of every prompt position are sent. */
  readonly returnContextLogits?: boolean
  /** Whether the logits that each new token was chosen by are sent, as the model gave them. */
  readonly returnGenerationLogits?: boolean
  /**
   * Whether each token is chosen by whoever submitted the request: an output brings the logits, as the model gave them, and
   * `choose` says the token. Sampling fields have no effect then, but those that end the request.
   */
  readonly chosenOutside?: boolean
  /** Search with beams; the answers come with the finish, and nothing before it. */
  readonly beams?: BeamRequest
  /** Milliseconds from submission after which the request ends with `deadline_exceeded`. */
  readonly deadlineMs?: number
  /** Requests share cached prefixes only with requests of the same salt; without one, with those without one. */
  readonly cacheSalt?: string
  /** How long the pages of this request should stay in the cache. */
  readonly kvCacheRetentionConfig?: RetentionConfig
  /** 0 to 1, 0.5 by default: a higher one is admitted before and paused after lower ones. */
  readonly priority?: number
  /** Who the request is counted against, for instance an API key; turns are shared fairly among these. */
  readonly fairnessKey?: string
  /** Share of that one relative to others; 1 by default. */
  readonly fairnessWeight?: number
}

/** Log probabilities at one new token. */
export interface TokenLogprobs {
  readonly logprob: number
  /** 1 = the most likely id. */
  readonly rank: number
  /** The most likely ids, best first, and their log probabilities. */
  readonly topIds: Int32Array
  readonly topLogprobs: Float32Array
}

/** Logits of consecutive prompt positions, row-major [rows, vocab]. */
export interface ContextLogits {
  readonly firstPosition: number
  readonly rows: number
  readonly vocab: number
  readonly values: Float32Array
}

/** Log probabilities of consecutive prompt tokens, an entry each; candidates row-major [tokens, numTop]. */
export interface PromptLogprobs {
  /** Position of the first token. */
  readonly firstPosition: number
  readonly logprobs: Float32Array
  /** 1 = the most likely id. */
  readonly ranks: Int32Array
  readonly numTop: number
  readonly topIds: Int32Array
  readonly topLogprobs: Float32Array
}

/** One of the answers of a beam search. */
export interface Answer {
  readonly tokens: Int32Array
  /** Of all its tokens together. */
  readonly logprob: number
  /** What answers are ordered by: log probability / tokens ^ lengthPenalty. */
  readonly score: number
  readonly logprobs?: readonly TokenLogprobs[]
  readonly reason: 'stop' | 'length'
}

/** Tokens of a request: given, produced, and those of the prompt that a cache had. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cachedTokens: number
}

/** An error as it travels between processes. */
export interface SerializedError {
  readonly code: ErrorCode
  readonly message: string
  /** Plain data about the failure, for instance the `field` of a refused request. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The end of a request. A stop id is the last of the tokens sent. */
export interface Finish {
  readonly reason: 'stop' | 'length' | 'cancelled' | 'error'
  readonly stopId?: number
  readonly error?: SerializedError
  readonly usage: Usage
}

/** What a step brought for one request. Exactly one output of a request has a `finish`, and it is the last. */
export interface Output {
  readonly id: string
  /** New token ids; may be empty. */
  readonly tokens: Int32Array
  /** One entry a new token, when asked for. */
  readonly logprobs?: readonly TokenLogprobs[]
  /** Logits of each new token, f32[vocab], when asked for. */
  readonly generationLogits?: readonly Float32Array[]
  readonly contextLogits?: ContextLogits
  readonly promptLogprobs?: PromptLogprobs
  /** With the first token: prompt tokens that a cache had, where it had any. */
  readonly cachedTokens?: number
  /** Of a request that is `chosenOutside`: the next token is to be chosen by these, f32[vocab]. */
  readonly awaits?: Float32Array
  /** What a beam search found, best first; with the finish. */
  readonly answers?: readonly Answer[]
  readonly finish?: Finish
}
