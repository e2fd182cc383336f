import type { ContextLogits } from '@trtllm/runtime'

/** Natural-log probability of a chosen token, and the most likely tokens, best first. */
export interface TokenLogprob {
  readonly id: number
  readonly logprob: number
  /** 1 = the most likely token. */
  readonly rank: number
  readonly top: { id: number; logprob: number }[]
}

/** Log-probabilities of prompt tokens that follow one another, from `firstPosition` on. */
export interface PromptLogprobPart {
  readonly firstPosition: number
  readonly tokens: TokenLogprob[]
}

/** Token counts of one choice. */
export interface GenerationUsage {
  readonly promptTokens: number
  /** Up to and including the token that ended the answer. */
  readonly completionTokens: number
  readonly cachedTokens: number
}

/** Why an answer ended: an end id or a stop, its length, or a cancellation from the engine's side. */
export type FinishReason = 'stop' | 'length' | 'cancelled'

export interface GenerationFinish {
  readonly reason: FinishReason
  /** The stop text or stop token id that ended the answer; null for the model's end of text and other reasons. */
  readonly stopReason: string | number | null
  readonly usage: GenerationUsage
  /** Of an answer of a search: log-probability of all its tokens, and what answers are ordered by. */
  readonly cumulativeLogprob?: number
  readonly score?: number
}

/** New text of one choice. Each choice ends with exactly one delta that has `finish`. */
export interface GenerationDelta {
  readonly index: number
  /** May be empty: text is held back while it may be half a character or the beginning of a stop text. */
  readonly text: string
  readonly tokenIds: number[]
  /** One entry a token, when asked for. */
  readonly logprobs?: TokenLogprob[]
  /** Logits of each token, f32[vocabSize], when asked for. */
  readonly generationLogits?: Float32Array[]
  /** Logits of prompt positions, when asked for; on choice 0. */
  readonly contextLogits?: ContextLogits
  /** Log-probabilities of prompt tokens, when asked for; on choice 0. */
  readonly promptLogprobs?: PromptLogprobPart
  readonly finish?: GenerationFinish
}

/** One answer. */
export interface CompletionOutput {
  readonly index: number
  readonly text: string
  /** New token ids; an end id is the last of them though it is not in the text. */
  readonly tokenIds: number[]
  readonly logprobs?: TokenLogprob[]
  /** Sum of the log-probabilities of the tokens, when they were asked for, and of every answer of a search. */
  readonly cumulativeLogprob?: number
  /** Of an answer of a search: log-probability / tokens ^ lengthPenalty. */
  readonly score?: number
  /** The logits that each token was chosen by, as the model gave them, when asked for. */
  readonly generationLogits?: LogitRows
  readonly finishReason: FinishReason
  readonly stopReason: string | number | null
}

/** Rows of logits, row-major [rows, vocabSize]. Of a prompt: row i scores what follows token i. */
export interface LogitRows {
  readonly rows: number
  readonly vocabSize: number
  readonly values: Float32Array
}

/** A prompt and its answers. */
export interface RequestOutput {
  readonly requestId: string
  /** The prompt as text: as given, or as the chat template wrote it; absent for token ids. */
  readonly prompt?: string
  readonly promptTokenIds: number[]
  readonly outputs: CompletionOutput[]
  readonly contextLogits?: LogitRows
  /** An entry for each prompt token; null for the first, which nothing comes before. */
  readonly promptLogprobs?: (TokenLogprob | null)[]
  readonly finished: true
  /** Of all choices together; the prompt counts once. */
  readonly usage: GenerationUsage
}
