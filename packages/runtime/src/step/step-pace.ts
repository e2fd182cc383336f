const leastStallMs = 10_000
const firstStepStallMs = 120_000
const tolerance = 20
const newWeight = 0.1

/** Learns how long steps take, to tell a slow step from one that hangs. */
export class StepPace {
  #stepMs = 0
  #tokenMs = 0
  #known = false

  record(milliseconds: number, tokens: number): void {
    const tokenMs = milliseconds / Math.max(1, tokens)
    const weight = this.#known ? newWeight : 1
    this.#stepMs += weight * (milliseconds - this.#stepMs)
    this.#tokenMs += weight * (tokenMs - this.#tokenMs)
    this.#known = true
  }

  /**
   * Milliseconds after which a step of `tokens` counts as hung: 20 times what the running averages expect of it, at
   * least 10 s; 2 minutes while nothing is known.
   */
  stallAfterMs(tokens: number): number {
    if (!this.#known) return firstStepStallMs
    return Math.max(leastStallMs, tolerance * Math.max(this.#stepMs, this.#tokenMs * tokens))
  }
}
