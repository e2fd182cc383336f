import type { StepLayout } from '@trtllm/graph'
import { maxLogprobs } from '@trtllm/kernels'
import type { TokenLogprobs } from '../request.js'

/** Reads the results of a finished step. Rows are those of the step builder, in the same order. */
export class StepResults {
  readonly #layout: StepLayout
  readonly #words: Int32Array
  readonly #floats: Float32Array

  constructor(layout: StepLayout, words: Int32Array) {
    this.#layout = layout
    this.#words = words
    this.#floats = new Float32Array(words.buffer, words.byteOffset, words.length)
  }

  /** Sampled id of a row; -1 when the row was not sampled. */
  token(row: number): number {
    return this.#words[this.#layout.result.token.offset + row]!
  }

  /** Log probabilities of a row with its `count` best candidates, copied. */
  logprobs(row: number, count: number): TokenLogprobs {
    const { logprob, rank, topIds, topLogprobs } = this.#layout.result
    const first = row * maxLogprobs
    return {
      logprob: this.#floats[logprob.offset + row]!,
      rank: this.#words[rank.offset + row]!,
      topIds: this.#words.slice(topIds.offset + first, topIds.offset + first + count),
      topLogprobs: this.#floats.slice(topLogprobs.offset + first, topLogprobs.offset + first + count),
    }
  }
}
