import type { Clock } from '../clock.js'
import type { EngineExit, EngineLink, EnginePort } from '../transport/port.js'

/**
 * A connection inside one thread: messages are cloned as a real transport does and arrive in later turns of the clock.
 * `crash` ends the engine's side as a kill would; `mute` keeps its messages back until `unmute`, as a stopped process
 * does.
 */
export class LinkedPorts {
  readonly link: EngineLink
  readonly port: EnginePort
  readonly #clock: Clock
  readonly #held: unknown[] = []
  #isMute = false
  #isDead = false
  #toEngine: (message: unknown) => void = () => {}
  #toFront: (message: unknown) => void = () => {}
  #onExit: (exit: EngineExit) => void = () => {}
  #onGone: () => void = () => {}
  /** Messages that reached the front side, as they were sent. */
  readonly sent: unknown[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    this.link = {
      post: (message) => {
        const copy = structuredClone(message)
        clock.soon(() => !this.#isDead && this.#toEngine(copy))
      },
      receive: (onMessage, onExit) => {
        this.#toFront = onMessage
        this.#onExit = onExit
      },
      terminate: () => this.crash('was killed by SIGKILL'),
    }
    this.port = {
      post: (message) => this.#post(structuredClone(message)),
      receive: (onMessage, onGone) => {
        this.#toEngine = onMessage
        this.#onGone = onGone
      },
      close: () => {
        clock.soon(() => this.crash('exited with code 0', 0))
        return Promise.resolve()
      },
    }
  }

  crash(how: string, exitCode?: number): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#clock.soon(() => this.#onExit({ how, ...(exitCode !== undefined && { exitCode }) }))
  }

  /** The front side disappears. */
  leave(): void {
    this.#onGone()
  }

  mute(): void {
    this.#isMute = true
  }

  unmute(): void {
    this.#isMute = false
    for (const message of this.#held.splice(0)) this.#post(message)
  }

  #post(message: unknown): void {
    if (this.#isDead) return
    if (this.#isMute) {
      this.#held.push(message)
      return
    }
    this.sent.push(message)
    this.#clock.soon(() => this.#toFront(message))
  }
}
