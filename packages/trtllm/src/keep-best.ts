import type { OnDelta } from './generation.js'
import type { GenerationDelta } from './request-output.js'

/**
 * Holds answers back until all `made` of them have ended, then hands on the `n` of the highest log-probability, best
 * first, a delta each. What is told of the prompt goes on at once.
 */
export class KeepBest {
  readonly #n: number
  readonly #withLogprobs: boolean
  readonly #onDelta: OnDelta
  readonly #made: GenerationDelta[][]
  #ended = 0

  /** `withLogprobs`: whether the caller asked for log-probabilities, which ranking needs anyway. */
  constructor(made: number, n: number, withLogprobs: boolean, onDelta: OnDelta) {
    this.#n = n
    this.#withLogprobs = withLogprobs
    this.#onDelta = onDelta
    this.#made = Array.from({ length: made }, () => [])
  }

  accept({ contextLogits, promptLogprobs, ...answer }: GenerationDelta): void {
    if (contextLogits || promptLogprobs)
      this.#onDelta({
        ...{ index: 0, text: '', tokenIds: [] },
        ...(contextLogits && { contextLogits }),
        ...(promptLogprobs && { promptLogprobs }),
      })
    this.#made[answer.index]!.push(answer)
    if (answer.finish && ++this.#ended === this.#made.length) this.#tell()
  }

  #tell(): void {
    const ranked = this.#made.map((deltas) => {
      const told = deltas.flatMap(({ logprobs = [] }) => logprobs)
      return { deltas, cumulativeLogprob: told.reduce((sum, { logprob }) => sum + logprob, 0) }
    })
    // Sorting keeps the order of equal ones: the same seed returns the same answers.
    ranked.sort((a, b) => b.cumulativeLogprob - a.cumulativeLogprob)
    for (const [index, { deltas, cumulativeLogprob }] of ranked.slice(0, this.#n).entries()) {
      const finish = { ...deltas.at(-1)!.finish!, cumulativeLogprob }
      const logits = deltas.flatMap(({ generationLogits = [] }) => generationLogits)
      this.#onDelta({
        index,
        text: deltas.map(({ text }) => text).join(''),
        tokenIds: deltas.flatMap(({ tokenIds }) => tokenIds),
        ...(this.#withLogprobs && { logprobs: deltas.flatMap(({ logprobs = [] }) => logprobs) }),
        ...(logits.length > 0 && { generationLogits: logits }),
        finish,
      })
    }
  }
}
