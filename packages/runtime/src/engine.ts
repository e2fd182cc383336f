import { TrtllmError } from '@trtllm/kernels'
import type { KvCacheEvent } from './cache/cache-events.js'
import { KvCache } from './cache/kv-cache.js'
import type { EngineModel } from './compiled-model.js'
import { type EngineOptions, type ResolvedOptions, resolveOptions } from './engine-options.js'
import { type Pending, pending } from './pending.js'
import type { EngineRequest, TokenLogprobs } from './request.js'
import { RequestTable } from './request-table.js'
import { Scheduler } from './scheduler/scheduler.js'
import type { Sequence } from './scheduler/sequence.js'
import { serializeError } from './serialize-error.js'
import type { EngineStats } from './stats.js'
import { StatsRecorder } from './stats-recorder.js'
import { type Flight, Pipeline } from './step/pipeline.js'
import { readStep } from './step/read-step.js'
import { buildStep } from './step/step-builder.js'
import type { StepDone, StepExecutor } from './step/step-executor.js'
import { StepPace } from './step/step-pace.js'
import { TokenIntake } from './token-intake.js'

/**
 * The engine loop. A turn reads finished steps, expires deadlines, schedules and submits while the pipeline has room,
 * and sends what it has as one message. Turns run only when something happened: a command, a finished step, a deadline.
 * Between turns the event loop serves messages. Every accepted request ends with exactly one finish.
 */
export class Engine {
  /** The model with the limits this engine really has. */
  readonly model: EngineModel
  readonly #executor: StepExecutor
  readonly #options: ResolvedOptions
  readonly #cache: KvCache
  readonly #scheduler: Scheduler
  readonly #stats: StatsRecorder
  readonly #pipeline: Pipeline
  readonly #requests: RequestTable
  readonly #intake: TokenIntake
  readonly #pace = new StepPace()
  #lastReadMs = 0
  #failedInARow = 0
  #awake = false
  /** Nothing is live and nothing in flight since the last step. */
  #isPausing = true
  #fault: TrtllmError | undefined
  #closing: Pending<void> | undefined
  #closed = false
  #cancelTimer: (() => void) | undefined

  /** Throws `contradictory_config` when the model's limits cannot hold a step that always advances. */
  constructor(model: EngineModel, executor: StepExecutor, options: EngineOptions) {
    this.#options = resolveOptions(model, executor, options)
    const { maxSeqLen, scheduling, cache, maxInFlightSteps } = this.#options
    const { maxBatchSize, maxNumTokens } = scheduling
    this.model = { ...model, maxSeqLen, info: { ...model.info, maxSeqLen, maxBatchSize, maxNumTokens } }
    this.#executor = executor
    this.#cache = new KvCache(model.pools, model.layout.limits.numSlots, cache)
    this.#scheduler = new Scheduler(scheduling, this.#cache, model.layout.limits.numSlots)
    this.#stats = new StatsRecorder(this.model.info, this.#scheduler, this.#cache)
    this.#pipeline = new Pipeline(maxInFlightSteps)
    this.#requests = new RequestTable(this.model, this.#options, this.#scheduler, this.#stats)
    const { clock } = this.#options
    this.#intake = new TokenIntake(model.vocabSize, this.#requests, this.#scheduler, this.#stats, clock)
  }

  /**
   * Accepts a request. One that is invalid, too late or too many ends at once with an error finish. Throws
   * `invalid_request` only when a live request has the same id, because a finish would end that one.
   */
  submit(request: EngineRequest): void {
    this.#requests.begin(request)
    this.wake()
  }

  /** Ends a live request with `cancelled`; an id that is not live is ignored. */
  cancel(id: string): void {
    const live = this.#requests.get(id)
    if (live) this.#requests.end(live, 'cancelled')
    this.wake()
  }

  /**
   * Says the next token of a request that is `chosenOutside`, after an output has brought its logits; `logprobs` are told
   * with it. Ignored for an id that is not live or awaits none.
   */
  choose(id: string, token: number, logprobs?: TokenLogprobs): void {
    this.#intake.choose(id, token, logprobs)
    this.wake()
  }

  /** Statistics since the last call, totals and gauges. */
  stats(): EngineStats {
    return this.#stats.read(this.#pipeline.size)
  }

  /** What happened to cached pages since the last call, oldest first; needs `eventBufferMaxSize`. */
  getKvCacheEvents(): KvCacheEvent[] {
    return this.#cache.drainEvents()
  }

  /** Forgets every cached prefix that no request is using. */
  resetPrefixCache(): void {
    this.#cache.reset()
  }

  /** How long the device has been at its oldest step, and when that counts as hung. Zero age: it has nothing to do. */
  get pulse(): { stepAgeMs: number; stallAfterMs: number } {
    const oldest = this.#pipeline.oldest
    const isBusy = oldest !== undefined && oldest.outcome === undefined
    const since = isBusy ? Math.max(oldest.submittedMs, this.#lastReadMs) : 0
    return {
      stepAgeMs: isBusy ? this.#options.clock.nowMs() - since : 0,
      stallAfterMs: this.#pace.stallAfterMs(oldest?.call.tokens ?? 0),
    }
  }

  /**
   * Stops accepting. With `drain` live requests run to their end, without it they end with `server_shutdown`. Resolves
   * when the device is idle and closed. A second call without `drain` cuts a drain short.
   */
  close(drain: boolean): Promise<void> {
    this.#closing ??= pending<void>()
    const refusal = new TrtllmError('server_shutdown', 'the engine is shutting down')
    this.#requests.closedBy ??= refusal
    if (!drain) this.#requests.endAll(refusal)
    this.wake()
    return this.#closing.promise
  }

  /** Asks for a turn of the loop; several wakes before it are one. */
  wake(): void {
    if (this.#awake) return
    this.#awake = true
    this.#options.clock.soon(() => {
      this.#awake = false
      this.#turn()
    })
  }

  /** Throws when queues, slots, pages and requests disagree. */
  check(): void {
    this.#scheduler.check()
    this.#requests.check()
  }

  #turn(): void {
    const { clock } = this.#options
    for (let flight = this.#pipeline.takeDone(); flight; flight = this.#pipeline.takeDone())
      this.#read(flight)
    const nextDeadlineMs = this.#requests.expire(clock.nowMs())
    while (!this.#fault && this.#pipeline.hasRoom && this.#submitNext());
    this.#isPausing ||= this.#pipeline.size === 0 && this.#requests.size === 0
    this.#send()
    this.#cancelTimer?.()
    const letInMs = this.#scheduler.wakeAtMs
    // One that is over already is seen when a step ends.
    const wakeAtMs = earliest(
      nextDeadlineMs,
      letInMs !== undefined && letInMs > clock.nowMs() ? letInMs : undefined,
    )
    this.#cancelTimer = wakeAtMs === undefined ? undefined : clock.at(wakeAtMs, () => this.wake())
    this.#closeWhenIdle()
  }

  /** Schedules, writes and submits one step; false when there is nothing to do now. */
  #submitNext(): boolean {
    const step = this.#scheduler.next(this.#options.clock.nowMs())
    if (!step) return false
    const ring = this.#pipeline.nextRing
    const slab = this.#executor.slab(ring)
    const setupOf = (sequence: Sequence) => this.#requests.of(sequence).setup
    const built = buildStep(slab, this.model, this.#cache, step, setupOf)
    const copies = step.copies.length > 0 ? { copies: step.copies } : {}
    const submittedMs = this.#options.clock.nowMs()
    const call = { ring, ...built, ...copies }
    const flight: Flight = { step, call, submittedMs, followsPause: this.#isPausing }
    this.#isPausing = false
    for (const { sequence } of step.work) this.#requests.started(sequence, submittedMs)
    this.#pipeline.push(flight)
    const done: StepDone = (error, microseconds, idleMicroseconds) => {
      flight.outcome = { error, microseconds, idleMicroseconds }
      this.wake()
    }
    try {
      this.#executor.submit(flight.call, done)
      return true
    } catch (error) {
      // HAZARD: the device never saw these deltas, so nothing more of these sequences may be submitted. Reading this
      // step as failed ends them; until then the loop submits nothing.
      done(error instanceof TrtllmError ? error : new TrtllmError('internal', String(error)), 0, 0)
      return false
    }
  }

  #read(flight: Flight): void {
    this.#lastReadMs = this.#options.clock.nowMs()
    const { error = null, microseconds = 0 } = flight.outcome ?? {}
    this.#scheduler.retire(flight.step, error !== null, this.#lastReadMs)
    this.#pace.record(microseconds / 1000, flight.call.tokens)
    if (error) this.#stepFailed(flight, error)
    else {
      this.#failedInARow = 0
      const words = this.#executor.results(flight.call.ring)
      const setupOf = (sequence: Sequence) => this.#requests.of(sequence).setup
      for (const result of readStep(flight, this.model, words, setupOf)) this.#intake.accept(result)
    }
    this.#pipeline.release(flight)
    this.#stats.stepRead(flight)
  }

  /** A failed step ends its own requests; an error of the device itself, or failures without end, ends the engine. */
  #stepFailed({ step }: Flight, error: TrtllmError): void {
    this.#stats.counters.stepErrors++
    this.#failedInARow++
    for (const { sequence } of step.work) {
      this.#requests.end(this.#requests.of(sequence), 'error', { error: serializeError(error) })
    }
    const isFatal = deviceFaults.has(error.code) || this.#failedInARow >= this.#options.maxFailedSteps
    if (!isFatal || this.#fault) return
    this.#fault = error
    this.#requests.closedBy = new TrtllmError(
      'engine_died',
      `the engine stopped after a fault: ${error.message}`,
    )
    this.#requests.endAll(this.#requests.closedBy)
    this.#send()
    this.#options.onFault(error)
  }

  #send(): void {
    const { outbox } = this.#requests
    if (!outbox.isEmpty) this.#options.onOutputs(outbox.take(), this.#stats.counters.steps)
  }

  #closeWhenIdle(): void {
    if (!this.#closing || this.#closed || this.#requests.size > 0 || this.#pipeline.size > 0) return
    this.#closed = true
    this.#cancelTimer?.()
    this.#executor.close()
    this.#closing.resolve()
  }
}

/** Errors after which nothing on the device can be trusted. */
const deviceFaults: ReadonlySet<string> = new Set(['engine_fault', 'device_unavailable', 'out_of_memory'])

const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
