import type { Clock } from './clock.js'
import type { Heartbeat } from './protocol.js'

/** Silence after which an engine is not ready, and after which it is given up. */
const unresponsiveAfterMs = 5000
const giveUpAfterMs = 10_000
const checkEveryMs = 500

export interface WatchEvents {
  /** The engine is silent or its device is slow (false), or answers again (true). */
  readonly onResponsive: (isResponsive: boolean) => void
  /** The engine is given up. */
  readonly onStalled: (why: string) => void
}

/** Watches the signs of life of an engine. */
export class EngineWatch {
  readonly #clock: Clock
  readonly #events: WatchEvents
  #heartbeat: Heartbeat = { sequence: 0, stepAgeMs: 0, stallAfterMs: Number.POSITIVE_INFINITY }
  #heardMs: number
  #checkedMs: number
  #isResponsive = true
  #stop = () => {}

  constructor(clock: Clock, events: WatchEvents) {
    this.#clock = clock
    this.#events = events
    this.#heardMs = clock.nowMs()
    this.#checkedMs = this.#heardMs
    this.#checkLater()
  }

  get isResponsive(): boolean {
    return this.#isResponsive
  }

  hear(heartbeat: Heartbeat): void {
    this.#heartbeat = heartbeat
    this.#heardMs = this.#clock.nowMs()
    // A late message after a silence is good news at once; a slow device is judged at the next check.
    if (heartbeat.stepAgeMs < unresponsiveAfterMs) this.#set(true)
  }

  stop(): void {
    this.#stop()
  }

  #checkLater(): void {
    this.#stop = this.#clock.at(this.#clock.nowMs() + checkEveryMs, () => this.#check())
  }

  #check(): void {
    const nowMs = this.#clock.nowMs()
    // This side was busy or suspended itself: messages wait unread, so the silence proves nothing.
    if (nowMs - this.#checkedMs > 2 * checkEveryMs + 500) this.#heardMs = nowMs
    this.#checkedMs = nowMs
    const silentMs = nowMs - this.#heardMs
    const { stepAgeMs, stallAfterMs } = this.#heartbeat
    if (silentMs >= giveUpAfterMs) {
      this.#events.onStalled(`the engine gave no sign of life for ${Math.round(silentMs)} ms`)
      return
    }
    if (stepAgeMs >= stallAfterMs) {
      this.#events.onStalled(`the device has been at one step for ${Math.round(stepAgeMs)} ms`)
      return
    }
    if (silentMs >= unresponsiveAfterMs) this.#set(false)
    this.#checkLater()
  }

  #set(isResponsive: boolean): void {
    if (this.#isResponsive === isResponsive) return
    this.#isResponsive = isResponsive
    this.#events.onResponsive(isResponsive)
  }
}
