import type { Clock, StepCall, StepDone, StepExecutor } from '@trtllm/runtime'

/** What the engine's thread does for a step, in the order in which it does it. */
export const phases = ['complete', 'schedule', 'build', 'submit', 'send'] as const

export type Phase = (typeof phases)[number]

/** Microseconds of each phase and of whole turns, over the steps that were counted. */
export interface HostTimes {
  readonly steps: number
  readonly phases: Readonly<Record<Phase, number>>
  /** Whole time of turns that submitted a step, for each step they submitted. */
  readonly turns: readonly number[]
}

const none = (): Record<Phase, number> => ({ complete: 0, schedule: 0, build: 0, submit: 0, send: 0 })

/**
 * Times an engine's turns from outside, at the doors that it passes anyway: its clock, its executor and its outputs.
 * Reading results and everything that has no door of its own is `complete`.
 */
export class PhaseTimes {
  #phases = none()
  #turns: number[] = []
  #steps = 0
  #turnStartMs = 0
  #turnSteps = 0
  /** Up to here the time of the turn is counted. */
  #markMs = 0
  /** When the engine last looked at its clock: right before it schedules. */
  #lookedMs = 0

  /** Forgets what was counted. */
  restart(): void {
    this.#phases = none()
    this.#turns = []
    this.#steps = 0
  }

  read(): HostTimes {
    return { steps: this.#steps, phases: { ...this.#phases }, turns: [...this.#turns] }
  }

  clock(real: Clock): Clock {
    return {
      nowMs: () => {
        this.#lookedMs = performance.now()
        return real.nowMs()
      },
      soon: (task) => real.soon(() => this.#turn(task)),
      at: (atMs, task) => real.at(atMs, task),
    }
  }

  executor(real: StepExecutor, onSubmit: (call: StepCall) => void): StepExecutor {
    return {
      depth: real.depth,
      ...(real.copiesPages !== undefined && { copiesPages: real.copiesPages }),
      slab: (ring) => {
        this.#pass('complete', this.#lookedMs)
        this.#pass('schedule')
        return real.slab(ring)
      },
      results: (ring) => real.results(ring),
      submit: (call: StepCall, onDone: StepDone) => {
        this.#pass('build')
        real.submit(call, onDone)
        this.#pass('submit')
        this.#steps++
        this.#turnSteps++
        onSubmit(call)
      },
      close: () => real.close(),
    }
  }

  /** Runs what sends outputs. */
  send(work: () => void): void {
    this.#pass('complete')
    work()
    this.#pass('send')
  }

  #turn(task: () => void): void {
    this.#turnStartMs = performance.now()
    this.#markMs = this.#turnStartMs
    this.#turnSteps = 0
    task()
    this.#pass('complete')
    if (this.#turnSteps === 0) return
    this.#turns.push((1000 * (this.#markMs - this.#turnStartMs)) / this.#turnSteps)
  }

  #pass(phase: Phase, nowMs = performance.now()): void {
    this.#phases[phase] += 1000 * (nowMs - this.#markMs)
    this.#markMs = nowMs
  }
}
