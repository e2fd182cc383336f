import type { Clock } from '../clock.js'
import type { SeededRandom } from './seeded-random.js'

interface Timer {
  readonly atMs: number
  readonly task: () => void
}

/**
 * A clock that the test turns by hand. `soon` tasks wait until `runSoon` runs them, in the order given or, with a
 * random source, in any order; timers fire when `advance` passes them.
 */
export class ManualClock implements Clock {
  readonly #random: SeededRandom | undefined
  #nowMs = 0
  #tasks: (() => void)[] = []
  readonly #timers = new Set<Timer>()

  constructor(random?: SeededRandom) {
    this.#random = random
  }

  nowMs(): number {
    return this.#nowMs
  }

  soon(task: () => void): void {
    this.#tasks.push(task)
  }

  at(atMs: number, task: () => void): () => void {
    const timer = { atMs, task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that have not fired. */
  get numTimers(): number {
    return this.#timers.size
  }

  /** Tasks that wait for a turn. */
  get numSoon(): number {
    return this.#tasks.length
  }

  /** Runs one waiting task; false when there is none. */
  runOne(): boolean {
    if (this.#tasks.length === 0) return false
    const index = this.#random ? this.#random.integer(0, this.#tasks.length - 1) : 0
    const [task] = this.#tasks.splice(index, 1)
    task?.()
    return true
  }

  /** Runs the tasks that wait, and those they add, until none waits. */
  runSoon(): void {
    while (this.runOne());
  }

  /** Moves time forward and fires the timers that it passes, earliest first. */
  advance(milliseconds: number): void {
    const untilMs = this.#nowMs + milliseconds
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!due) break
      this.#timers.delete(due)
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.task()
    }
    this.#nowMs = untilMs
  }

  /** Moves time forward at once, as a suspended process finds it; the timers passed fire late, and once. */
  jump(milliseconds: number): void {
    this.#nowMs += milliseconds
    for (const timer of [...this.#timers]) {
      if (timer.atMs <= this.#nowMs && this.#timers.delete(timer)) timer.task()
    }
  }
}
