import { TrtllmError } from '@trtllm/kernels'
import type { Choice } from './choosing/token-chooser.js'
import type { EngineModel } from './compiled-model.js'
import type { ResolvedOptions } from './engine-options.js'
import { type LifeRules, LiveRequest } from './live-request.js'
import { Outbox } from './outbox.js'
import type { EngineRequest, Finish, SerializedError } from './request.js'
import { validateRequest } from './sampling/validate-request.js'
import { DeadlineQueue } from './scheduler/deadline-queue.js'
import type { Scheduler } from './scheduler/scheduler.js'
import type { Sequence } from './scheduler/sequence.js'
import { serializeError } from './serialize-error.js'
import type { StatsRecorder } from './stats-recorder.js'

/**
 * The live requests of an engine. The only place where a request begins and ends: whatever the reason, `end` frees its
 * slot and pages, puts its one finish into the outbox and forgets it.
 */
export class RequestTable {
  readonly outbox = new Outbox()
  /** Set once: from then on every new request is refused with it. */
  closedBy: TrtllmError | undefined
  readonly #live = new Map<string, LiveRequest>()
  readonly #bySequence = new WeakMap<Sequence, LiveRequest>()
  readonly #deadlines = new DeadlineQueue<LiveRequest>()
  readonly #model: EngineModel
  readonly #options: ResolvedOptions
  readonly #scheduler: Scheduler
  readonly #stats: StatsRecorder
  readonly #rules: LifeRules
  #arrivals = 0

  constructor(model: EngineModel, options: ResolvedOptions, scheduler: Scheduler, stats: StatsRecorder) {
    const { eosIds, maxSeqLen, longRopeFromTokens, info } = model
    const cacheModel = model.cacheKey ?? `${info.name} ${info.architecture} ${info.dtype}`
    this.#model = model
    this.#options = options
    this.#scheduler = scheduler
    this.#stats = stats
    this.#rules = { eosIds, maxSeqLen, longRopeFromTokens, drawSeed: options.drawSeed, cacheModel }
  }

  get size(): number {
    return this.#live.size
  }

  get(id: string): LiveRequest | undefined {
    return this.#live.get(id)
  }

  /** The request a sequence belongs to, live or ended. */
  of(sequence: Sequence): LiveRequest {
    return this.#bySequence.get(sequence)!
  }

  /** Queues a request; one that cannot be served gets its error finish at once. */
  begin(request: EngineRequest): void {
    if (this.#live.has(request.id)) {
      throw new TrtllmError(
        'invalid_request',
        `a request with the id ${request.id} is live; ids must be unique`,
      )
    }
    const refusal = this.#refusal(request)
    if (refusal) {
      const usage = { promptTokens: request.promptIds?.length ?? 0, completionTokens: 0, cachedTokens: 0 }
      this.#send(request, undefined, { reason: 'error', error: serializeError(refusal), usage })
      return
    }
    const live = new LiveRequest(request, this.#arrivals++, this.#options.clock.nowMs(), this.#rules)
    this.#live.set(request.id, live)
    this.#bySequence.set(live.first, live)
    this.#stats.accepted(request.promptIds.length)
    if (request.deadlineMs !== undefined) this.#deadlines.add(live, live.submittedMs + request.deadlineMs)
    this.#scheduler.add(live.first)
  }

  /** Notes when the first work of a request was submitted. */
  started(sequence: Sequence, nowMs: number): void {
    const live = this.of(sequence)
    if (live.startedMs !== undefined) return
    live.startedMs = nowMs
    this.#stats.started(nowMs - live.submittedMs)
  }

  /** Carries out what was chosen for a request, but its end. */
  follow(live: LiveRequest, { dropped, forked, appended }: Choice): void {
    for (const sequence of dropped) {
      this.#scheduler.finish(sequence)
      live.sequences.delete(sequence)
    }
    for (const [sequence] of forked) {
      this.#bySequence.set(sequence, live)
      live.sequences.add(sequence)
      this.#scheduler.fork(sequence)
    }
    for (const [sequence, token] of [...forked, ...appended]) this.#scheduler.append(sequence, token)
  }

  /** Ends a request; does nothing when it has ended before. */
  end(
    live: LiveRequest,
    reason: Finish['reason'],
    detail: { stopId?: number; error?: SerializedError } = {},
  ): void {
    const finish = live.end(reason, detail)
    if (!finish) return
    for (const sequence of live.sequences) this.#scheduler.finish(sequence)
    this.#live.delete(live.request.id)
    this.#send(live.request, live, finish)
  }

  endAll(error: TrtllmError): void {
    for (const live of [...this.#live.values()]) this.end(live, 'error', { error: serializeError(error) })
  }

  /** Ends what is past its deadline; returns the next deadline in milliseconds. */
  expire(nowMs: number): number | undefined {
    for (const live of this.#deadlines.expired(nowMs)) {
      const message = `the request did not end within ${live.request.deadlineMs} ms`
      this.end(live, 'error', { error: { code: 'deadline_exceeded', message } })
    }
    this.#deadlines.prune((live) => !live.ended, this.#live.size)
    return this.#deadlines.nextMs
  }

  /** Throws when requests and sequences disagree. */
  check(): void {
    const { running, numWaiting, numPaused } = this.#scheduler
    const known = running.length + numWaiting + numPaused
    let sequences = 0
    for (const live of this.#live.values()) sequences += live.sequences.size
    if (known !== sequences) throw new Error(`request table: ${sequences} live sequences, ${known} scheduled`)
  }

  #refusal(request: EngineRequest): TrtllmError | undefined {
    if (this.closedBy) return this.closedBy
    const { maxQueuedRequests } = this.#options
    if (this.#scheduler.numWaiting >= maxQueuedRequests) {
      return new TrtllmError(
        'overloaded',
        `${maxQueuedRequests} requests are waiting already; try again later`,
      )
    }
    try {
      validateRequest(request, this.#model)
      return undefined
    } catch (error) {
      if (error instanceof TrtllmError) return error
      // A field of a shape that no check foresaw: the request is to blame, not the engine.
      return new TrtllmError('invalid_request', `the request cannot be read: ${String(error)}`)
    }
  }

  #send(request: EngineRequest, live: LiveRequest | undefined, finish: Finish): void {
    this.#stats.ended(finish, live, this.#options.clock.nowMs())
    this.outbox.finish(request, finish)
  }
}
