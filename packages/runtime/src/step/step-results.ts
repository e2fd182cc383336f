import type { StepLayout } from '@trtllm/graph'
import { maxLogprobs } from '@trtllm/kernels'
import type { PromptLogprobs, TokenLogprobs } from '../request.js'

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

  /** Of consecutive rows that score the tokens from `firstPosition` on, with their `numTop` best candidates, copied. */
  promptLogprobs(firstRow: number, rows: number, firstPosition: number, numTop: number): PromptLogprobs {
    const { logprob, rank, topIds, topLogprobs } = this.#layout.result
    const ids = new Int32Array(rows * numTop)
    const values = new Float32Array(rows * numTop)
    for (let i = 0; i < rows; i++) {
      const first = (firstRow + i) * maxLogprobs
      ids.set(this.#words.subarray(topIds.offset + first, topIds.offset + first + numTop), i * numTop)
      values.set(
        this.#floats.subarray(topLogprobs.offset + first, topLogprobs.offset + first + numTop),
        i * numTop,
      )
    }
    return {
      firstPosition,
      logprobs: this.#floats.slice(logprob.offset + firstRow, logprob.offset + firstRow + rows),
      ranks: this.#words.slice(rank.offset + firstRow, rank.offset + firstRow + rows),
      numTop,
      topIds: ids,
      topLogprobs: values,
    }
  }
}
