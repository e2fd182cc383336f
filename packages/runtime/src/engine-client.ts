import type { ForkOptions } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type { WorkerOptions } from 'node:worker_threads'
import { TrtllmError } from '@trtllm/kernels'
import type { KvCacheEvent } from './cache/cache-events.js'
import { type Clock, systemClock } from './clock.js'
import type { ModelInfo } from './compiled-model.js'
import { EngineWatch } from './engine-watch.js'
import { type Pending, pending } from './pending.js'
import type { EngineCommand, EngineMessage } from './protocol.js'
import type { EngineRequest, Output, SerializedError, TokenLogprobs } from './request.js'
import { deserializeError } from './serialize-error.js'
import type { EngineStats } from './stats.js'
import { childProcessLink } from './transport/child-process-link.js'
import type { EngineExit, EngineLink } from './transport/port.js'
import { workerLink } from './transport/worker-link.js'
import type { PackedOutputs } from './turn-outputs.js'

/** What an engine client tells besides outputs. */
export interface EngineClientEvents {
  loading: [stage: string, done: number, total: number]
  ready: [info: ModelInfo]
  /** The engine stopped answering (false) or answers again (true). */
  responsive: [isResponsive: boolean]
  /** The engine ended without having been asked to. */
  died: [error: TrtllmError]
  /** The engine is over, whatever the reason. */
  exit: [exit: EngineExit]
}

/** How long an engine may take to end once nothing is left to wait for. */
const forceAfterMs = 2000

/** Where the outputs of a request go, in order, until the one with `finish`; called as messages are read. */
export interface OutputSink {
  /** A new token and nothing else. */
  token(token: number): void
  /** Anything else. */
  output(output: Output): void
}

interface InFlight {
  readonly sink: OutputSink
  readonly number: number
  readonly promptTokens: number
  completionTokens: number
}

/**
 * The front side of one engine. Requests may be submitted while it loads. When the engine dies, every request in flight
 * gets exactly one finish with the error `engine_died` (or `engine_stalled`).
 */
export class EngineClient extends EventEmitter<EngineClientEvents> {
  /** Resolves when the model is loaded; rejects with the load error or `engine_died`. */
  readonly ready: Promise<ModelInfo>
  readonly #link: EngineLink
  readonly #clock: Clock
  readonly #ready = pending<ModelInfo>()
  readonly #exited = pending<void>()
  readonly #inFlight = new Map<string, InFlight>()
  readonly #byNumber = new Map<number, InFlight>()
  readonly #stats = new Map<number, Pending<EngineStats>>()
  readonly #kvCacheEvents = new Map<number, Pending<readonly KvCacheEvent[]>>()
  #commands: EngineCommand[] = []
  #info: ModelInfo | undefined
  #watch: EngineWatch | undefined
  /** Why it ended or will end: what the engine said, or what the watch found. */
  #cause: TrtllmError | undefined
  #isClosing = false
  #isOver = false
  #nonces = 0
  #numbers = 0

  constructor(link: EngineLink, config: unknown, clock: Clock = systemClock) {
    super()
    this.#link = link
    this.#clock = clock
    this.ready = this.#ready.promise
    // Whoever only listens to `died` must not be ended by an unhandled rejection.
    this.ready.catch(() => {})
    link.receive(
      (message) => this.#receive(message as EngineMessage),
      (exit) => this.#over(exit),
    )
    this.#send({ kind: 'start', config })
  }

  /** An engine in a worker thread of this process; `config` reaches the module's loader. */
  static overWorker(module: URL | string, config: unknown, options?: WorkerOptions): EngineClient {
    return new EngineClient(workerLink(module, options), config)
  }

  /** An engine in a child process of its own; `config` reaches the module's loader. */
  static overChildProcess(module: URL | string, config: unknown, options?: ForkOptions): EngineClient {
    return new EngineClient(childProcessLink(module, options), config)
  }

  /** An engine behind any connection. */
  static overPort(link: EngineLink, config: unknown, clock?: Clock): EngineClient {
    return new EngineClient(link, config, clock)
  }

  /** The loaded model; undefined before `ready`. */
  get info(): ModelInfo | undefined {
    return this.#info
  }

  /** Whether the engine is loaded, alive, answering and not closing. */
  get isReady(): boolean {
    return (
      this.#info !== undefined && !this.#isOver && !this.#isClosing && (this.#watch?.isResponsive ?? false)
    )
  }

  get numInFlight(): number {
    return this.#inFlight.size
  }

  /**
   * Sends a request; its outputs go to `sink`, the last one with `finish`. Throws `engine_died` when the engine is over,
   * `invalid_request` when a live request has the same id.
   */
  submit(request: EngineRequest, sink: OutputSink): void {
    if (this.#isOver) throw this.#deathOf('the engine is over')
    if (this.#inFlight.has(request.id)) {
      throw new TrtllmError(
        'invalid_request',
        `a request with the id ${request.id} is live; ids must be unique`,
      )
    }
    this.#numbers = (this.#numbers + 1) | 0
    const number = this.#numbers
    const live = { sink, number, promptTokens: request.promptIds.length, completionTokens: 0 }
    this.#inFlight.set(request.id, live)
    this.#byNumber.set(number, live)
    this.#send({ kind: 'submit', request: { ...request, number } })
  }

  /** Asks the engine to end a request with `cancelled`; ignored when it is not live. */
  cancel(id: string): void {
    if (this.#inFlight.has(id)) this.#send({ kind: 'cancel', id })
  }

  /** Says the next token of a request that is `chosenOutside`; ignored when it is not live. */
  choose(id: string, token: number, logprobs?: TokenLogprobs): void {
    if (!this.#inFlight.has(id)) return
    this.#send({ kind: 'choose', id, token, ...(logprobs && { logprobs }) })
  }

  /** Statistics since the last call, totals and gauges. Rejects with `engine_died`. */
  stats(): Promise<EngineStats> {
    return this.#ask('stats', this.#stats)
  }

  /**
   * What happened to cached pages since the last call, oldest first, in TensorRT-LLM's shape; empty unless the engine
   * keeps events. Rejects with `engine_died`.
   */
  getKvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return this.#ask('kv-cache-events', this.#kvCacheEvents)
  }

  /**
   * Ends the engine: after the live requests with `drain`, else they end with `server_shutdown`. A drain that takes
   * longer than `timeoutMs` (30 s by default) is cut short; an engine that does not obey is ended by force 2 s later.
   * Resolves when it is over. Calling it again without `drain` cuts a drain short.
   */
  close({ drain = false, timeoutMs = 30_000 }: { drain?: boolean; timeoutMs?: number } = {}): Promise<void> {
    this.#isClosing = true
    if (this.#isOver) return this.#exited.promise
    this.#send({ kind: 'shutdown', drain })
    const hurryMs = this.#clock.nowMs() + (drain ? timeoutMs : 0)
    const cancelHurry = this.#clock.at(hurryMs, () => this.#send({ kind: 'shutdown', drain: false }))
    const cancelForce = this.#clock.at(hurryMs + forceAfterMs, () => this.#link.terminate())
    return this.#exited.promise.finally(() => {
      cancelHurry()
      cancelForce()
    })
  }

  /** Ends the engine by force; requests in flight end with `engine_died`. */
  kill(): void {
    this.#link.terminate()
  }

  #ask<T>(kind: 'stats' | 'kv-cache-events', answers: Map<number, Pending<T>>): Promise<T> {
    if (this.#isOver) return Promise.reject(this.#deathOf('the engine is over'))
    const nonce = ++this.#nonces
    const answer = pending<T>()
    answers.set(nonce, answer)
    this.#send({ kind, nonce })
    return answer.promise
  }

  #send(command: EngineCommand): void {
    this.#commands.push(command)
    if (this.#commands.length > 1) return
    queueMicrotask(() => {
      const commands = this.#commands
      this.#commands = []
      if (!this.#isOver) this.#link.post(commands)
    })
  }

  #receive(message: EngineMessage): void {
    if (message.kind === 'step') {
      this.#watch?.hear(message.heartbeat)
      this.#deliverTurn(message.outputs)
    } else if (message.kind === 'loading') this.emit('loading', message.stage, message.done, message.total)
    else if (message.kind === 'ready') this.#becomeReady(message.info)
    else if (message.kind === 'stats') {
      this.#stats.get(message.nonce)?.resolve(message.stats)
      this.#stats.delete(message.nonce)
    } else if (message.kind === 'kv-cache-events') {
      this.#kvCacheEvents.get(message.nonce)?.resolve(message.events)
      this.#kvCacheEvents.delete(message.nonce)
    } else if (message.kind === 'fatal') this.#cause = deserializeError(message.error)
  }

  #becomeReady(info: ModelInfo): void {
    this.#info = info
    this.#watch = new EngineWatch(this.#clock, {
      onResponsive: (isResponsive) => this.emit('responsive', isResponsive),
      onStalled: (why) => {
        this.#cause = new TrtllmError('engine_stalled', `${why}; it was ended`)
        this.#link.terminate()
      },
    })
    this.#ready.resolve(info)
    this.emit('ready', info)
  }

  #deliverTurn({ numbers, tokens, whole }: PackedOutputs): void {
    for (let i = 0; i < numbers.length; i++) {
      const live = this.#byNumber.get(numbers[i]!)
      if (!live) continue
      live.completionTokens++
      live.sink.token(tokens[i]!)
    }
    for (const output of whole) this.#deliver(output)
  }

  #deliver(output: Output): void {
    const live = this.#inFlight.get(output.id)
    if (!live) return
    live.completionTokens += output.tokens.length
    if (output.finish) {
      this.#inFlight.delete(output.id)
      this.#byNumber.delete(live.number)
    }
    live.sink.output(output)
  }

  #over(exit: EngineExit): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#watch?.stop()
    const death = this.#deathOf(`the engine ${exit.how}`)
    for (const [id, live] of [...this.#inFlight]) this.#deliver(deathOutput(id, live, death))
    for (const answers of [this.#stats, this.#kvCacheEvents]) {
      for (const answer of answers.values()) answer.reject(death)
      answers.clear()
    }
    this.#ready.reject(this.#info === undefined && this.#cause ? this.#cause : death)
    this.#exited.resolve()
    if (!this.#isClosing) this.emit('died', this.#cause ?? death)
    this.emit('exit', exit)
  }

  #deathOf(how: string): TrtllmError {
    const cause = this.#cause
    if (this.#isClosing)
      return new TrtllmError('server_shutdown', 'the engine was shut down before the request ended')
    if (cause?.code === 'engine_stalled') return cause
    return new TrtllmError('engine_died', cause ? `${how}: ${cause.message}` : how)
  }
}

function deathOutput(id: string, { promptTokens, completionTokens }: InFlight, death: TrtllmError): Output {
  const error: SerializedError = { code: death.code, message: death.message }
  const usage = { promptTokens, completionTokens, cachedTokens: 0 }
  return { id, tokens: new Int32Array(0), finish: { reason: 'error', error, usage } }
}
