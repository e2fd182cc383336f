import type { TrtllmError } from '@trtllm/kernels'
import type { ScheduledStep } from '../scheduler/scheduler.js'
import type { StepCall } from './step-executor.js'

/** A submitted step until its results are read. */
export interface Flight {
  readonly step: ScheduledStep
  readonly call: StepCall
  readonly submittedMs: number
  /** Whether there was nothing to do before it. */
  readonly followsPause: boolean
  /** Set when the device is done with it. */
  outcome?: StepOutcome
}

/** How a step went; times as in `StepDone`. */
export interface StepOutcome {
  readonly error: TrtllmError | null
  readonly microseconds: number
  readonly idleMicroseconds: number
}

/** The steps in flight, oldest first. Each holds a ring entry from submission until its results have been read. */
export class Pipeline {
  readonly #freeRings: number[]
  readonly #flights: Flight[] = []

  constructor(depth: number) {
    this.#freeRings = Array.from({ length: depth }, (_, ring) => ring)
  }

  get size(): number {
    return this.#flights.length
  }

  get hasRoom(): boolean {
    return this.#freeRings.length > 0
  }

  get oldest(): Flight | undefined {
    return this.#flights[0]
  }

  /** Ring entry that the next step will use. */
  get nextRing(): number {
    return this.#freeRings[0]!
  }

  push(flight: Flight): void {
    this.#freeRings.splice(this.#freeRings.indexOf(flight.call.ring), 1)
    this.#flights.push(flight)
  }

  /** The oldest step, once the device is done with it; its ring entry stays taken until `release`. */
  takeDone(): Flight | undefined {
    return this.#flights[0]?.outcome ? this.#flights.shift() : undefined
  }

  release(flight: Flight): void {
    this.#freeRings.push(flight.call.ring)
  }
}
