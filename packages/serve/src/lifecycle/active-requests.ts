import { ApiError } from '../errors/api-error.js'

/** One admitted request. Abort its controller with an ApiError to end it with that error. */
export interface ActiveRequest {
  readonly id: string
  readonly controller: AbortController
  /** Sequences it may run at once: prompts x n. */
  readonly sequences: number
  /** Prompt tokens not yet known to be prefilled; 0 after the first delta. */
  waitingTokens: number
  readonly admittedMs: number
}

/** Bounds of the queue in front of the engine. */
export interface AdmissionLimits {
  /** Sequences the engine runs at once. */
  maxBatchSize: number
  /** Sequences allowed to wait beyond those. */
  maxQueue: number
  /** Prompt tokens allowed to wait; one request alone may exceed it. */
  maxQueueTokens: number
}

/**
 * The requests between admission and their last byte. It refuses what the queue cannot hold, ends requests when the
 * engine dies or the server stops, and tells when the last one is done. Time is performance.now milliseconds.
 */
export class ActiveRequests {
  readonly #requests = new Set<ActiveRequest>()
  #sequences = 0
  #waitingTokens = 0
  /** Moving average of a request's whole time, for Retry-After. */
  #secondsPerRequest = 1
  #idleWaiters: (() => void)[] = []

  get size(): number {
    return this.#requests.size
  }

  get sequences(): number {
    return this.#sequences
  }

  get waitingTokens(): number {
    return this.#waitingTokens
  }

  /**
   * Refuses before a request costs anything. @throws ApiError `overloaded` with Retry-After.
   */
  checkRoom(sequences: number, promptTokens: number, limits: AdmissionLimits): void {
    const room = limits.maxBatchSize + limits.maxQueue
    if (this.#sequences > 0 && this.#sequences + sequences > room)
      throw this.#refusal(
        limits,
        `${this.#sequences} sequences run or wait and the server holds ${room}; this request needs ${sequences}.`,
      )
    if (this.#waitingTokens > 0 && this.#waitingTokens + promptTokens > limits.maxQueueTokens)
      throw this.#refusal(
        limits,
        `${this.#waitingTokens} prompt tokens wait and the queue holds ${limits.maxQueueTokens}; ` +
          `this request brings ${promptTokens}.`,
      )
  }

  /** Admits a request. The caller releases it exactly once. @throws ApiError `overloaded` with Retry-After. */
  admit(id: string, sequences: number, promptTokens: number, limits: AdmissionLimits): ActiveRequest {
    this.checkRoom(sequences, promptTokens, limits)
    const request: ActiveRequest = {
      id,
      controller: new AbortController(),
      sequences,
      waitingTokens: promptTokens,
      admittedMs: performance.now(),
    }
    this.#requests.add(request)
    this.#sequences += sequences
    this.#waitingTokens += promptTokens
    return request
  }

  /** Marks a request's prompt as prefilled: it no longer counts against the token budget. */
  started(request: ActiveRequest): void {
    this.#waitingTokens -= request.waitingTokens
    request.waitingTokens = 0
  }

  release(request: ActiveRequest): void {
    if (!this.#requests.delete(request)) return
    this.started(request)
    this.#sequences -= request.sequences
    const seconds = (performance.now() - request.admittedMs) / 1000
    this.#secondsPerRequest += 0.1 * (seconds - this.#secondsPerRequest)
    if (this.#requests.size === 0) for (const wake of this.#idleWaiters.splice(0)) wake()
  }

  /** Ends every active request with `error`. */
  abortAll(error: ApiError): void {
    for (const request of [...this.#requests]) request.controller.abort(error)
  }

  /** Resolves when no request is active. */
  async idle(): Promise<void> {
    if (this.#requests.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  #refusal(limits: AdmissionLimits, why: string): ApiError {
    const rounds = Math.max(1, this.#sequences / limits.maxBatchSize)
    const retryAfterSeconds = Math.min(60, Math.max(1, Math.ceil(rounds * this.#secondsPerRequest)))
    return new ApiError('overloaded', `The server is at capacity: ${why}`, { retryAfterSeconds })
  }
}
