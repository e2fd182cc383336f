import type { GoldenPrompt } from './golden-file.js'
import { logSumExp } from './log-sum-exp.js'

/** The largest logit of a row: its token, or undefined where a logit is NaN. */
export interface GreedyStep {
  readonly token: number | undefined
  /** Logit of the golden's token minus the largest of the others; negative where another token wins. */
  readonly gap: number
}

/** What an engine computed for a golden's prompt, in the golden's terms. */
export interface FoundPrompt {
  readonly promptNll: number
  readonly logsumexp: number
  /** Logits of the golden's `topIds`. */
  readonly topLogits: readonly number[]
  /** Each step given the golden's tokens before it. */
  readonly steps: readonly GreedyStep[]
}

/** The tokens to score: all whose following token the golden knows, and the last of the prompt. */
export const scoredIds = ({ ids, greedy }: GoldenPrompt): number[] => [...ids, ...greedy.slice(0, -1)]

/** Collects what a golden asks for from rows of logits, given once each in any order. */
export class GoldenScorer {
  readonly #golden: GoldenPrompt
  readonly #nll: number[] = []
  #logsumexp = Number.NaN
  #topLogits: number[]
  readonly #steps: GreedyStep[]

  constructor(golden: GoldenPrompt) {
    this.#golden = golden
    this.#topLogits = golden.topIds.map(() => Number.NaN)
    this.#nll = new Array<number>(golden.ids.length - 1).fill(Number.NaN)
    this.#steps = golden.greedy.map(() => ({ token: undefined, gap: Number.NaN }))
  }

  /** Takes the logits after token `position` of the golden's prompt and greedy tokens. */
  row(position: number, row: Float32Array): void {
    const { ids, topIds, greedy } = this.#golden
    const step = position - (ids.length - 1)
    const sum = step <= 0 ? logSumExp(row) : Number.NaN
    if (step < 0) this.#nll[position] = sum - row[ids[position + 1]!]!
    if (step === 0) {
      this.#logsumexp = sum
      this.#topLogits = topIds.map((id) => row[id]!)
    }
    if (step >= 0 && step < greedy.length) this.#steps[step] = greedyStep(row, greedy[step]!)
  }

  /** Everything asked for; NaN for rows that never came. */
  found(): FoundPrompt {
    return {
      promptNll: this.#nll.reduce((sum, nll) => sum + nll, 0),
      logsumexp: this.#logsumexp,
      topLogits: this.#topLogits,
      steps: this.#steps,
    }
  }
}

function greedyStep(row: Float32Array, golden: number): GreedyStep {
  let best = 0
  let largestOther = -Infinity
  for (let token = 0; token < row.length; token++) {
    const logit = row[token]!
    if (Number.isNaN(logit)) return { token: undefined, gap: Number.NaN }
    if (logit > row[best]!) best = token
    if (token !== golden && logit > largestOther) largestOther = logit
  }
  return { token: best, gap: row[golden]! - largestOther }
}
