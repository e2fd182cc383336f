import {
  deserializeError,
  type Finish,
  type Output,
  type PromptLogprobs,
  type TokenLogprobs,
} from '@trtllm/runtime'
import { type Detokenizer, StopStrings, type Tokenizer } from '@trtllm/text'
import type { CheckedSampling } from './check-sampling-params.js'
import type { GenerationDelta, GenerationFinish, PromptLogprobPart, TokenLogprob } from './request-output.js'

type TextSampling = Pick<
  CheckedSampling,
  'stop' | 'stopTokenIds' | 'includeStop' | 'skipSpecialTokens' | 'detokenize' | 'minTokens'
>

/**
 * Turns the engine's outputs of one choice into deltas: detokenizes, cuts at stop strings, counts tokens. It goes token
 * by token, so that its result does not depend on how many tokens an output brings.
 */
export class OutputProcessor {
  readonly #index: number
  readonly #promptIds: Int32Array
  readonly #sampling: TextSampling
  readonly #detokenizer: Detokenizer | undefined
  readonly #stops: StopStrings
  #count = 0
  #cachedTokens = 0
  #isOver = false

  constructor(
    index: number,
    promptIds: Int32Array,
    sampling: TextSampling,
    tokenizer: Pick<Tokenizer, 'createDetokenizer'> | undefined,
  ) {
    const { detokenize, skipSpecialTokens, stop, includeStop } = sampling
    this.#index = index
    this.#promptIds = promptIds
    this.#sampling = sampling
    this.#detokenizer = detokenize ? tokenizer?.createDetokenizer({ skipSpecialTokens }) : undefined
    this.#stops = new StopStrings(stop, { keepStop: includeStop })
  }

  /** The delta for a token that came alone; undefined after the end. As `accept` of an output that has nothing else. */
  token(id: number): GenerationDelta | undefined {
    if (this.#isOver) return undefined
    this.#count++
    const text = this.#detokenizer?.pushOne(id) ?? ''
    if (this.#stops.isEmpty) return { index: this.#index, text, tokenIds: [id] }
    const piece = this.#cut(text)
    const ended = this.#finish(undefined, piece.stop)
    return { index: this.#index, text: piece.text, tokenIds: [id], ...(ended && { finish: ended }) }
  }

  /**
   * The delta for an output; undefined when it brings nothing to tell. After a delta with `finish` the caller cancels
   * the engine's request if the output had none. @throws TrtllmError the failure of the request.
   */
  accept(output: Output): GenerationDelta | undefined {
    if (this.#isOver) return undefined
    const { tokens, logprobs, generationLogits, contextLogits, promptLogprobs, finish } = output
    if (finish?.reason === 'error')
      throw deserializeError(finish.error ?? { code: 'internal', message: 'the engine gave no reason' })
    this.#cachedTokens = finish?.usage.cachedTokens ?? output.cachedTokens ?? this.#cachedTokens
    const endsByToken = finish?.reason === 'stop'
    let text = ''
    let taken = 0
    let stop: string | undefined
    while (taken < tokens.length && stop === undefined) {
      const id = tokens[taken++]!
      this.#count++
      const isEnd = endsByToken && taken === tokens.length
      if (isEnd && !this.#sampling.includeStop) break
      const piece = this.#cut(this.#detokenizer?.pushOne(id) ?? '')
      text += piece.text
      stop = piece.stop
    }
    if (finish && stop === undefined) {
      const rest = this.#cut(this.#detokenizer?.flush() ?? '')
      text += rest.text + (rest.stop === undefined ? this.#stops.flush() : '')
      stop = rest.stop
    }
    const ended = this.#finish(finish, stop)
    if (taken === 0 && text === '' && !ended && !contextLogits && !promptLogprobs) return undefined
    return {
      index: this.#index,
      text,
      tokenIds: [...tokens.subarray(0, taken)],
      ...(logprobs && { logprobs: logprobsOf(tokens, logprobs, taken) }),
      ...(generationLogits && { generationLogits: generationLogits.slice(0, taken) }),
      ...(contextLogits && { contextLogits }),
      ...(promptLogprobs && { promptLogprobs: promptPart(this.#promptIds, promptLogprobs) }),
      ...(ended && { finish: ended }),
    }
  }

  /** Stop strings do not count before `minTokens`. */
  #cut(text: string): { text: string; stop?: string } {
    return this.#count < this.#sampling.minTokens ? { text } : this.#stops.push(text)
  }

  #finish(finish: Finish | undefined, stop: string | undefined): GenerationFinish | undefined {
    if (!finish && stop === undefined) return undefined
    this.#isOver = true
    const usage = {
      promptTokens: this.#promptIds.length,
      completionTokens: this.#count,
      cachedTokens: this.#cachedTokens,
    }
    if (stop !== undefined) return { reason: 'stop', stopReason: stop, usage }
    const { reason, stopId } = finish!
    const isWanted = stopId !== undefined && this.#sampling.stopTokenIds.includes(stopId)
    return { reason: reason as GenerationFinish['reason'], stopReason: isWanted ? stopId : null, usage }
  }
}

function logprobsOf(tokens: Int32Array, all: readonly TokenLogprobs[], count: number): TokenLogprob[] {
  return all.slice(0, count).map(({ logprob, rank, topIds, topLogprobs }, at) => ({
    id: tokens[at]!,
    logprob,
    rank,
    top: Array.from(topIds, (id, place) => ({ id, logprob: topLogprobs[place]! })),
  }))
}

function promptPart(promptIds: Int32Array, part: PromptLogprobs): PromptLogprobPart {
  const { firstPosition, logprobs, ranks, numTop, topIds, topLogprobs } = part
  const tokens = Array.from(logprobs, (logprob, i): TokenLogprob => {
    const at = i * numTop
    const top = Array.from(topIds.subarray(at, at + numTop), (id, k) => ({
      id,
      logprob: topLogprobs[at + k]!,
    }))
    return { id: promptIds[firstPosition + i]!, logprob, rank: ranks[i]!, top }
  })
  return { firstPosition, tokens }
}
