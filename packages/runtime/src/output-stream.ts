import type { Output } from './request.js'

/**
 * The outputs of one request, in order, for one reader. Ends after the output with `finish`. A reader that leaves early
 * (`break`, `return`) cancels the request.
 */
export class OutputStream implements AsyncIterableIterator<Output> {
  readonly #queue: Output[] = []
  readonly #onAbandoned: () => void
  #waiting: ((result: IteratorResult<Output>) => void) | undefined
  #isComplete = false
  #isAbandoned = false

  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned
  }

  /** Outputs that the reader has not taken. */
  get backlog(): number {
    return this.#queue.length
  }

  push(output: Output): void {
    if (this.#isComplete) return
    this.#isComplete = output.finish !== undefined
    if (this.#isAbandoned) return
    if (this.#waiting) {
      const resolve = this.#waiting
      this.#waiting = undefined
      resolve({ done: false, value: output })
    } else this.#queue.push(output)
  }

  next(): Promise<IteratorResult<Output>> {
    const output = this.#queue.shift()
    if (output) return Promise.resolve({ done: false, value: output })
    if (this.#isComplete || this.#isAbandoned) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<IteratorResult<Output>> {
    if (!this.#isComplete && !this.#isAbandoned) this.#onAbandoned()
    this.#isAbandoned = true
    this.#queue.length = 0
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = undefined
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
