/**
 * A list that one side fills while the other reads it, in order. `fail` comes after what was pushed before it. A reader
 * that leaves early drops the rest.
 */
export class PushStream<T> implements AsyncIterableIterator<T, void, undefined> {
  #items: T[] = []
  /** Items of `#items` that were read. */
  #read = 0
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  push(item: T): void {
    if (this.#end) return
    this.#items.push(item)
    this.#wake?.()
  }

  end(): void {
    this.#end ??= {}
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<T, void>> {
    while (this.#read === this.#items.length && !this.#end)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#wake = undefined
    if (this.#read < this.#items.length) return { done: false, value: this.#take() }
    if (this.#end && 'error' in this.#end) throw this.#end.error
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#items = []
    this.#read = 0
    this.#end = {}
    this.#wake?.()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): T {
    const item = this.#items[this.#read++]!
    if (this.#read === this.#items.length) {
      this.#items = []
      this.#read = 0
    }
    return item
  }
}
