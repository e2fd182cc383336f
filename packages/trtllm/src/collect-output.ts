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
export async function collectOutput(
  requestId: string,
  prompt: { readonly text?: string; readonly ids: Int32Array },
  { n, engine }: Pick<CheckedSampling, 'n' | 'engine'>,
  deltas: AsyncIterable<GenerationDelta>,
): Promise<RequestOutput> {
  const choices = Array.from({ length: n }, (_, index) => new Choice(index))
  let contextLogits: LogitRows | undefined
  const promptLogprobs: (TokenLogprob | null)[] = [null]
  let cachedTokens = 0
  for await (const delta of deltas) {
    choices[delta.index]!.add(delta)
    if (delta.finish && delta.index === 0) cachedTokens = delta.finish.usage.cachedTokens
    for (const one of delta.promptLogprobs?.tokens ?? []) promptLogprobs.push(one)
    const part = delta.contextLogits
    if (!part) continue
    contextLogits ??= {
      rows: prompt.ids.length,
      vocabSize: part.vocab,
      values: new Float32Array(prompt.ids.length * part.vocab),
    }
    contextLogits.values.set(part.values, part.firstPosition * part.vocab)
  }
  const completionTokens = choices.reduce((sum, { tokens }) => sum + tokens, 0)
  return {
    requestId,
    ...(prompt.text !== undefined && { prompt: prompt.text }),
    promptTokenIds: [...prompt.ids],
    outputs: choices.map((choice) => choice.output()),
    ...(contextLogits && { contextLogits }),
    ...(engine.promptLogprobs !== undefined && { promptLogprobs }),
    finished: true,
    usage: { promptTokens: prompt.ids.length, completionTokens, cachedTokens },
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
  }

  output(): CompletionOutput {
    const logprobs = this.#logprobs
    const sum = logprobs?.reduce((total, { logprob }) => total + logprob, 0)
    return {
      ...this.#output,
      text: this.#texts.join(''),
      ...(logprobs && { logprobs }),
      ...(sum !== undefined && { cumulativeLogprob: sum }),
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
