import type { Choice } from './choosing/token-chooser.js'
import type { Clock } from './clock.js'
import type { LiveRequest } from './live-request.js'
import type { TokenLogprobs } from './request.js'
import type { RequestTable } from './request-table.js'
import type { Scheduler } from './scheduler/scheduler.js'
import type { StatsRecorder } from './stats-recorder.js'
import type { SequenceResult } from './step/read-step.js'

/** Where new tokens come in, whoever chose them: the device, a search, or the one who submitted the request. */
export class TokenIntake {
  readonly #vocabSize: number
  readonly #requests: RequestTable
  readonly #scheduler: Scheduler
  readonly #stats: StatsRecorder
  readonly #clock: Clock

  constructor(
    vocabSize: number,
    requests: RequestTable,
    scheduler: Scheduler,
    stats: StatsRecorder,
    clock: Clock,
  ) {
    this.#vocabSize = vocabSize
    this.#requests = requests
    this.#scheduler = scheduler
    this.#stats = stats
    this.#clock = clock
  }

  /** Takes what a step brought for one sequence. */
  accept(result: SequenceResult): void {
    const { sequence, prompt, token, logprobs, logits } = result
    const live = this.#requests.of(sequence)
    if (live.ended) {
      // A stop or a cancel is seen one step late: this row was computed for nothing.
      this.#stats.counters.overrunRows++
      return
    }
    const { outbox } = this.#requests
    if (prompt) outbox.prompt(live.request, prompt)
    if (token === undefined) return
    if (live.chooser) {
      const choice = live.chooser.take(result)
      if (choice) this.#follow(live, choice)
      return
    }
    if (live.request.chosenOutside) {
      live.awaited = logits
      outbox.awaits(live.request, logits!)
      return
    }
    if (this.#isToken(token)) {
      sequence.generatedIds.push(token)
      this.#append(live, token, logprobs, logits)
    } else this.#requests.end(live, 'error', { error: live.unchosen })
  }

  #isToken(token: number): boolean {
    return Number.isInteger(token) && token >= 0 && token < this.#vocabSize
  }

  /** Tells of a token that its sequence has taken in, and ends the request where it is the last one. */
  #append(live: LiveRequest, token: number, logprobs?: TokenLogprobs, logits?: Float32Array): void {
    this.#stats.counters.generatedTokens++
    const { outbox } = this.#requests
    const { cachedTokens } = live.first
    if (cachedTokens > 0 && live.firstTokenMs === undefined) outbox.prompt(live.request, { cachedTokens })
    outbox.token(live.request, token, logprobs, logits)
    const end = live.accept(token, this.#clock.nowMs())
    if (end) this.#requests.end(live, end.reason, end.stopId === undefined ? {} : { stopId: end.stopId })
  }

  /** As `Engine.choose`. */
  choose(id: string, token: number, logprobs?: TokenLogprobs): void {
    const live = this.#requests.get(id)
    const logits = live?.awaited
    if (!live || !logits) return
    live.awaited = undefined
    if (this.#isToken(token)) {
      this.#scheduler.append(live.first, token)
      this.#append(live, token, logprobs, live.request.returnGenerationLogits ? logits : undefined)
    } else this.#requests.end(live, 'error', { error: live.unchosen })
  }

  #follow(live: LiveRequest, choice: Choice): void {
    const { answers } = choice
    if (!answers) {
      this.#requests.follow(live, choice)
      return
    }
    if (answers.length === 0) {
      this.#requests.end(live, 'error', { error: live.unchosen })
      return
    }
    const tokens = answers.reduce((sum, { tokens }) => sum + tokens.length, 0)
    this.#stats.counters.generatedTokens += tokens
    live.completionTokens = tokens
    live.firstTokenMs ??= this.#clock.nowMs()
    live.lastTokenMs = this.#clock.nowMs()
    this.#requests.outbox.answers(live.request, answers)
    this.#requests.end(live, answers[0]!.reason)
  }
}
