import { EventEmitter } from 'node:events'
import { TrtllmError } from '@trtllm/kernels'
import type { KvCacheEvent } from './cache/cache-events.js'
import { type Clock, systemClock } from './clock.js'
import type { ModelInfo } from './compiled-model.js'
import type { EngineClient, OutputSink } from './engine-client.js'
import type { EngineRequest, TokenLogprobs } from './request.js'
import type { EngineStats } from './stats.js'

export interface SupervisorOptions {
  /** Deaths within `windowMs` that are mended; the next one is fatal. 3 by default. */
  readonly maxDeaths?: number
  /** 5 minutes by default. */
  readonly windowMs?: number
  readonly clock?: Clock
}

export interface SupervisorEvents {
  loading: [stage: string, done: number, total: number]
  /** An engine is up: the first one, or a new one after a death. */
  ready: [info: ModelInfo]
  responsive: [isResponsive: boolean]
  /** An engine died; `willRestart` says whether a new one is being started. */
  died: [error: TrtllmError, willRestart: boolean]
  /** There will be no further engine: exit with `exitCodeOf(error)`. */
  fatal: [error: TrtllmError]
}

/**
 * Keeps one engine running: starts a new one when it dies, gives up with `engine_fault` (exit code 70) when that happens
 * too often. An engine that never came up the first time is not tried again: its load error is final.
 */
export class Supervisor extends EventEmitter<SupervisorEvents> {
  /** Resolves when the first engine is up; rejects with its load error. */
  readonly ready: Promise<ModelInfo>
  readonly #start: () => EngineClient
  readonly #maxDeaths: number
  readonly #windowMs: number
  readonly #clock: Clock
  readonly #deathsMs: number[] = []
  #client: EngineClient
  #wasReady = false
  #failure: TrtllmError | undefined
  #isClosing = false
  #restarts = 0

  constructor(start: () => EngineClient, options: SupervisorOptions = {}) {
    super()
    this.#start = start
    this.#maxDeaths = options.maxDeaths ?? 3
    this.#windowMs = options.windowMs ?? 300_000
    this.#clock = options.clock ?? systemClock
    this.#client = this.#launch()
    this.ready = this.#client.ready
  }

  /** The present engine; a new object after each restart. */
  get client(): EngineClient {
    return this.#client
  }

  get isReady(): boolean {
    return this.#failure === undefined && !this.#isClosing && this.#client.isReady
  }

  get restarts(): number {
    return this.#restarts
  }

  get info(): ModelInfo | undefined {
    return this.#client.info
  }

  /** As `EngineClient.submit`; throws `engine_died` while no engine is up after a death. */
  submit(request: EngineRequest, sink: OutputSink): void {
    if (this.#failure) throw this.#failure
    if (this.#wasReady && !this.#client.info) {
      throw new TrtllmError(
        'engine_died',
        'the engine died and a new one is being started; try again shortly',
      )
    }
    this.#client.submit(request, sink)
  }

  cancel(id: string): void {
    this.#client.cancel(id)
  }

  choose(id: string, token: number, logprobs?: TokenLogprobs): void {
    this.#client.choose(id, token, logprobs)
  }

  stats(): Promise<EngineStats> {
    return this.#client.stats()
  }

  /** As `EngineClient.getKvCacheEvents`; what a dead engine had kept is gone with it. */
  getKvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return this.#client.getKvCacheEvents()
  }

  /** As `EngineClient.close`; no engine is started any more. */
  close(options: { drain?: boolean; timeoutMs?: number } = {}): Promise<void> {
    this.#isClosing = true
    return this.#client.close(options)
  }

  #launch(): EngineClient {
    const client = this.#start()
    client.on('loading', (stage, done, total) => this.emit('loading', stage, done, total))
    client.on('responsive', (isResponsive) => this.emit('responsive', isResponsive))
    client.on('ready', (info) => {
      this.#wasReady = true
      this.emit('ready', info)
    })
    client.on('died', (error) => this.#mend(error))
    return client
  }

  #mend(error: TrtllmError): void {
    const nowMs = this.#clock.nowMs()
    this.#deathsMs.push(nowMs)
    while (this.#deathsMs[0]! <= nowMs - this.#windowMs) this.#deathsMs.shift()
    if (!this.#wasReady) this.#giveUp(error)
    else if (this.#deathsMs.length > this.#maxDeaths) {
      const often = `the engine died ${this.#deathsMs.length} times in ${this.#windowMs / 1000} s`
      this.#giveUp(new TrtllmError('engine_fault', `${often}, the last time because: ${error.message}`))
    } else if (!this.#isClosing) {
      this.#restarts++
      this.#client = this.#launch()
      this.emit('died', error, true)
    }
  }

  #giveUp(error: TrtllmError): void {
    this.#failure = error
    this.emit('died', error, false)
    this.emit('fatal', error)
  }
}
