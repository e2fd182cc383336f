import type { CheckedSampling } from './check-sampling-params.js'
import type {
  CompletionOutput,
  GenerationDelta,
  LogitRows,
  RequestOutput,
  TokenLogprob,
} from './request-output.js'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Joins the deltas of one prompt: the whole answer is the sum of what streaming gives. */
export class OutputCollector {
  readonly #requestId: string
  readonly #prompt: { readonly text?: string; readonly ids: Int32Array }
  readonly #wantsPromptLogprobs: boolean
  readonly #choices: readonly Choice[]
  readonly #promptLogprobs: (TokenLogprob | null)[] = [null]
  #contextLogits: LogitRows | undefined
  #cachedTokens = 0

  constructor(
    requestId: string,
    prompt: { readonly text?: string; readonly ids: Int32Array },
    { n, engine }: Pick<CheckedSampling, 'n' | 'engine'>,
  ) {
    this.#requestId = requestId
    this.#prompt = prompt
    this.#wantsPromptLogprobs = engine.promptLogprobs !== undefined
    this.#choices = Array.from({ length: n }, (_, index) => new Choice(index))
  }

  add(delta: GenerationDelta): void {
    this.#choices[delta.index]!.add(delta)
    if (delta.finish && delta.index === 0) this.#cachedTokens = delta.finish.usage.cachedTokens
    for (const one of delta.promptLogprobs?.tokens ?? []) this.#promptLogprobs.push(one)
    const part = delta.contextLogits
    if (!part) return
    const rows = this.#prompt.ids.length
    const { vocab: vocabSize, firstPosition, values } = part
    this.#contextLogits ??= { rows, vocabSize, values: new Float32Array(rows * vocabSize) }
    this.#contextLogits.values.set(values, firstPosition * vocabSize)
  }

  output(): RequestOutput {
    const { text, ids } = this.#prompt
    const completionTokens = this.#choices.reduce((sum, { tokens }) => sum + tokens, 0)
    return {
      requestId: this.#requestId,
      ...(text !== undefined && { prompt: text }),
      promptTokenIds: [...ids],
      outputs: this.#choices.map((choice) => choice.output()),
      ...(this.#contextLogits && { contextLogits: this.#contextLogits }),
      ...(this.#wantsPromptLogprobs && { promptLogprobs: this.#promptLogprobs }),
      finished: true,
      usage: { promptTokens: ids.length, completionTokens, cachedTokens: this.#cachedTokens },
    }
  }
}

class Choice {
  readonly #output: Writable<CompletionOutput>
  readonly #texts: string[] = []
  #logprobs: TokenLogprob[] | undefined
  #logits: Float32Array[] | undefined
  /** As the finish counts them. */
  tokens = 0

  constructor(index: number) {
    this.#output = { index, text: '', tokenIds: [], finishReason: 'cancelled', stopReason: null }
  }

  add({ text, tokenIds, logprobs, generationLogits, finish }: GenerationDelta): void {
    this.#texts.push(text)
    for (const id of tokenIds) this.#output.tokenIds.push(id)
    if (logprobs) {
      this.#logprobs ??= []
      for (const one of logprobs) this.#logprobs.push(one)
    }
    if (generationLogits) {
      this.#logits ??= []
      for (const row of generationLogits) this.#logits.push(row)
    }
    if (!finish) return
    this.tokens = finish.usage.completionTokens
    this.#output.finishReason = finish.reason
    this.#output.stopReason = finish.stopReason
    if (finish.cumulativeLogprob !== undefined) this.#output.cumulativeLogprob = finish.cumulativeLogprob
    if (finish.score !== undefined) this.#output.score = finish.score
  }

  output(): CompletionOutput {
    const logprobs = this.#logprobs
    const sum = logprobs?.reduce((total, { logprob }) => total + logprob, 0)
    return {
      ...this.#output,
      text: this.#texts.join(''),
      ...(logprobs && { logprobs }),
      ...(sum !== undefined && this.#output.score === undefined && { cumulativeLogprob: sum }),
      ...(this.#logits && { generationLogits: joined(this.#logits) }),
    }
  }
}

function joined(rows: readonly Float32Array[]): LogitRows {
  const vocabSize = rows[0]?.length ?? 0
  const values = new Float32Array(rows.length * vocabSize)
  for (const [i, row] of rows.entries()) values.set(row, i * vocabSize)
  return { rows: rows.length, vocabSize, values }
}
