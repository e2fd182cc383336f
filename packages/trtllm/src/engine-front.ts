import { EventEmitter } from 'node:events'
import {
  EngineClient,
  type EngineLink,
  type EngineRequest,
  type EngineStats,
  type KvCacheEvent,
  type OutputSink,
  Supervisor,
  type TokenLogprobs,
} from '@trtllm/runtime'
import { startEngine } from './engine-link.js'
import type { EngineInfo, Progress } from './load-model.js'
import type { EngineConfig } from './load-options.js'

/**
 * `restarting`: between two engines. `stalled`: the engine has work and gave no sign of life for seconds. `closed`: there
 * will be no engine again.
 */
export type EngineState = 'ready' | 'restarting' | 'stalled' | 'closed'

/** What happens to an engine after it was loaded. */
export interface EngineEvents {
  /** The engine is gone and a new one is being started. */
  died: [error: Error]
  /** A new engine is up. */
  ready: []
  /** There will be no further engine. */
  fatal: [error: Error]
}

/** One engine and its successors. It keeps the process alive only while it loads or somebody waits for it. */
export class EngineFront {
  readonly events = new EventEmitter<EngineEvents>()
  readonly #supervisor: Supervisor
  #link!: EngineLink
  #holders = 0
  #isClosed = false
  #info: EngineInfo | undefined

  constructor(config: EngineConfig, isolation: 'thread' | 'process', progress: Progress) {
    this.#supervisor = new Supervisor(() => {
      this.#link = startEngine(isolation)
      return EngineClient.overPort(this.#link, config)
    })
    this.#supervisor.on('loading', progress)
    this.#supervisor.on('ready', (info) => {
      const isFirst = this.#info === undefined
      this.#info = info as EngineInfo
      this.#link.hold?.(this.#holders > 0)
      if (!isFirst) this.events.emit('ready')
    })
    this.#supervisor.on('died', (error, willRestart) => {
      if (willRestart) this.events.emit('died', error)
    })
    this.#supervisor.on('fatal', (error) => {
      this.#isClosed = true
      // A load that failed is told by `ready`.
      if (this.#info) this.events.emit('fatal', error)
    })
  }

  /** Resolves when the engine is up; rejects with its load error. */
  async ready(): Promise<void> {
    await this.#supervisor.ready
  }

  /** Facts of the present engine, or of the last one. Only after `ready`. */
  get info(): EngineInfo {
    return this.#info!
  }

  get state(): EngineState {
    if (this.#isClosed) return 'closed'
    if (this.#supervisor.isReady) return 'ready'
    return this.#supervisor.info ? 'stalled' : 'restarting'
  }

  /** @throws TrtllmError engine_died while no engine is up. */
  submit(request: EngineRequest, sink: OutputSink): void {
    this.#supervisor.submit(request, sink)
  }

  cancel(id: string): void {
    this.#supervisor.cancel(id)
  }

  choose(id: string, token: number, logprobs?: TokenLogprobs): void {
    this.#supervisor.choose(id, token, logprobs)
  }

  stats(): Promise<EngineStats> {
    return this.holding(() => this.#supervisor.stats())
  }

  kvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return this.holding(() => this.#supervisor.getKvCacheEvents())
  }

  /** Runs something during which the engine keeps the process alive. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    const release = this.hold()
    try {
      return await work()
    } finally {
      release()
    }
  }

  /** Keeps the process alive until the returned function is called. */
  hold(): () => void {
    if (this.#holders++ === 0) this.#link.hold?.(true)
    return () => {
      if (--this.#holders === 0) this.#link.hold?.(false)
    }
  }

  close(options: { drain?: boolean; timeoutMs?: number } = {}): Promise<void> {
    this.#isClosed = true
    return this.holding(() => this.#supervisor.close(options))
  }

  /** Ends an engine by force, also one that is still loading; resolves when it is gone. */
  kill(): Promise<void> {
    this.#isClosed = true
    const gone = this.#supervisor.close()
    this.#supervisor.client.kill()
    return gone
  }
}
