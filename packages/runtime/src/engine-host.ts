import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { type Clock, systemClock } from './clock.js'
import type { Engine } from './engine.js'
import type { EngineOptions } from './engine-options.js'
import type { EngineCommand, EngineCommands, EngineMessage } from './protocol.js'
import type { EngineRequest } from './request.js'
import { serializeError } from './serialize-error.js'
import type { EnginePort } from './transport/port.js'
import { packOutputs, type TurnOutputs } from './turn-outputs.js'

/** Milliseconds between signs of life when nothing else is sent. */
export const heartbeatMs = 1000

/** What the engine module is given to build its engine with. */
export interface HostHooks {
  /** To be passed on as `EngineOptions`. */
  readonly engineHooks: Pick<EngineOptions, 'onOutputs' | 'onFault'>
  /** Tells the front side how loading goes; counts in any unit. */
  readonly progress: (stage: string, done: number, total: number) => void
}

/** A loaded engine and what frees its model once the engine has closed. */
export interface HostedEngine {
  readonly engine: Engine
  readonly dispose: () => void
}

/**
 * The engine side of the protocol: waits for `start`, loads through `load`, then carries commands in and outputs out.
 * Resolves with the exit code when the engine is closed (0), failed to load or had a fault, and everything posted has
 * been sent; the caller then calls `process.exit` with it, which ends the thread or the process.
 */
export function hostEngine(
  port: EnginePort,
  load: (config: unknown, hooks: HostHooks) => Promise<HostedEngine>,
  clock: Clock = systemClock,
): Promise<number> {
  return new Promise((resolve) => new EngineHost(port, load, clock, resolve).listen())
}

/** A sign of life. */
const nothing: TurnOutputs = { requests: [], tokens: [], whole: [] }

class EngineHost {
  readonly #port: EnginePort
  readonly #load: (config: unknown, hooks: HostHooks) => Promise<HostedEngine>
  readonly #clock: Clock
  readonly #exit: (code: number) => void
  #hosted: HostedEngine | undefined
  /** Commands that came while the model was loading. */
  #early: EngineCommand[] = []
  #beats = 0
  #steps = 0
  #stopBeating = () => {}
  #isOver = false

  constructor(
    port: EnginePort,
    load: (config: unknown, hooks: HostHooks) => Promise<HostedEngine>,
    clock: Clock,
    exit: (code: number) => void,
  ) {
    this.#port = port
    this.#load = load
    this.#clock = clock
    this.#exit = exit
  }

  listen(): void {
    this.#port.receive(
      (message) => {
        for (const command of message as EngineCommands) this.#obey(command)
      },
      () => this.#finish(0),
    )
  }

  #obey(command: EngineCommand): void {
    if (command.kind === 'start') void this.#start(command.config)
    else if (this.#hosted) this.#carryOut(this.#hosted.engine, command)
    else this.#early.push(command)
  }

  #carryOut(engine: Engine, command: EngineCommand): void {
    if (command.kind === 'submit') this.#submit(engine, command.request)
    else if (command.kind === 'cancel') engine.cancel(command.id)
    else if (command.kind === 'choose') engine.choose(command.id, command.token, command.logprobs)
    else if (command.kind === 'stats') {
      this.#post({ kind: 'stats', nonce: command.nonce, stats: engine.stats() })
    } else if (command.kind === 'kv-cache-events') {
      this.#post({ kind: 'kv-cache-events', nonce: command.nonce, events: engine.getKvCacheEvents() })
    } else if (command.kind === 'shutdown') void this.#close(engine, command.drain)
  }

  #submit(engine: Engine, request: EngineRequest): void {
    try {
      engine.submit(request)
    } catch (error) {
      // A second request with a live id has no answer of its own; the client never sends one.
      if (!(error instanceof TrtllmError)) throw error
    }
  }

  async #start(config: unknown): Promise<void> {
    try {
      const hosted = await this.#load(config, {
        engineHooks: {
          onOutputs: (outputs, step) => this.#sendStep(outputs, step),
          onFault: (error) => this.#fail(error),
        },
        progress: (stage, done, total) => this.#post({ kind: 'loading', stage, done, total }),
      })
      this.#hosted = hosted
      this.#post({ kind: 'ready', info: hosted.engine.model.info })
      this.#beat()
      for (const command of this.#early.splice(0)) this.#carryOut(hosted.engine, command)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #close(engine: Engine, drain: boolean): Promise<void> {
    await engine.close(drain)
    if (this.#isOver) return
    this.#hosted?.dispose()
    this.#post({ kind: 'closed' })
    this.#finish(0)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#post({ kind: 'fatal', error: serializeError(error) })
    this.#finish(error instanceof TrtllmError ? exitCodeOf(error) : 70)
  }

  #finish(code: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopBeating()
    void this.#port.close().then(() => this.#exit(code))
  }

  #sendStep(outputs: TurnOutputs, step: number): void {
    const { engine } = this.#hosted ?? {}
    if (!engine || this.#isOver) return
    this.#steps = step
    const heartbeat = { sequence: ++this.#beats, ...engine.pulse }
    this.#post({ kind: 'step', step, outputs: packOutputs(outputs), heartbeat })
    this.#beat()
  }

  /** The next sign of life comes `heartbeatMs` after the last one. */
  #beat(): void {
    this.#stopBeating()
    this.#stopBeating = this.#clock.at(this.#clock.nowMs() + heartbeatMs, () =>
      this.#sendStep(nothing, this.#steps),
    )
  }

  #post(message: EngineMessage): void {
    if (!this.#isOver || message.kind === 'fatal') this.#port.post(message)
  }
}
