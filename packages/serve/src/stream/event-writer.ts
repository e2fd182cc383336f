import type { GenerationDelta } from 'trtllm'
import type { ChunkFormat } from '../protocol/answer-format.js'
import type { EventStream } from './event-stream.js'
import { mergeDeltas } from './merge-deltas.js'

/**
 * Writes the deltas of a call as they come, an event each. While the reader is behind, those of a choice become one: what
 * a slow reader makes the server hold is bounded by its answer, and it catches up in one event.
 */
export class EventWriter {
  readonly #stream: EventStream
  readonly #format: ChunkFormat
  readonly #usage: () => object | null | undefined
  readonly #onFailure: (error: unknown) => void
  /** By choice; undefined while the reader keeps up. */
  #held: Map<number, GenerationDelta> | undefined
  #onDrained: (() => void) | undefined

  /**
   * `usage` gives the `usage` of the next event: undefined for none. `onFailure` is told what the format throws while a
   * slow reader catches up; what it throws before that, `push` throws.
   */
  constructor(
    stream: EventStream,
    format: ChunkFormat,
    usage: () => object | null | undefined,
    onFailure: (error: unknown) => void,
  ) {
    this.#stream = stream
    this.#format = format
    this.#usage = usage
    this.#onFailure = onFailure
  }

  push(choice: number, delta: GenerationDelta): void {
    if (!this.#held && this.#stream.hasRoom) {
      this.#write(choice, delta)
      return
    }
    if (!this.#held) {
      this.#held = new Map()
      this.#stream.onRoom(this.#catchUp)
    }
    const before = this.#held.get(choice)
    this.#held.set(choice, before ? mergeDeltas(before, delta) : delta)
  }

  /** Resolves when nothing is held, or the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    if (!this.#held || signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  readonly #catchUp = () => {
    const held = this.#held!
    this.#held = undefined
    // HAZARD: a listener of the socket calls this; nobody there would catch anything, and the server would end.
    try {
      for (const [choice, delta] of held) this.push(choice, delta)
    } catch (error) {
      this.#onFailure(error)
    }
    if (!this.#held) this.#onDrained?.()
  }

  #write(choice: number, delta: GenerationDelta): void {
    for (const json of this.#format.push(choice, delta, this.#usage())) this.#stream.send(json)
  }
}
