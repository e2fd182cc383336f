import type { ServerResponse } from 'node:http'
import { ApiError } from '../errors/api-error.js'

/** Bounds on what one reader may make the server hold. */
export interface EventStreamLimits {
  streamBufferBytes: number
  streamStallMs: number
}

/**
 * Server-sent events on a raw response. Nothing is sent before the first event, so that an early failure can still be a
 * plain HTTP error. `write` returns a promise when the reader is behind: awaiting it stops reading tokens for this
 * stream. A reader that takes nothing for `streamStallMs` is given up with `onStall`.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #headers: Record<string, string>
  readonly #limits: EventStreamLimits
  readonly #onStall: (error: ApiError) => void
  #ended = false

  constructor(
    response: ServerResponse,
    headers: Record<string, string>,
    limits: EventStreamLimits,
    onStall: (error: ApiError) => void,
  ) {
    this.#response = response
    this.#headers = headers
    this.#limits = limits
    this.#onStall = onStall
  }

  get started(): boolean {
    return this.#response.headersSent
  }

  /** Sends one data frame, or waits first while the reader's buffer is full. */
  write(data: unknown): Promise<void> | undefined {
    const frame = `data: ${JSON.stringify(data)}\n\n`
    if (this.#hasRoom(frame)) {
      this.#send(frame)
      return undefined
    }
    return this.#writeLater(frame)
  }

  /** Ends a good stream with its one `[DONE]`. */
  done(): void {
    this.#end('data: [DONE]\n\n')
  }

  /** Ends a broken stream with its one error event; there is no `[DONE]` after it. */
  fail(envelope: object): void {
    this.#end(`data: ${JSON.stringify(envelope)}\n\n`, Math.min(1000, this.#limits.streamStallMs))
  }

  #send(frame: string): void {
    if (this.#ended || this.#response.destroyed) return
    if (!this.#response.headersSent) this.#response.writeHead(200, this.#headers)
    this.#response.write(frame)
  }

  #end(frame: string, graceMs = this.#limits.streamStallMs): void {
    if (this.#ended) return
    this.#send(frame)
    this.#ended = true
    const response = this.#response
    response.end()
    // A reader that never takes the rest would hold the connection for ever.
    const giveUp = setTimeout(() => response.destroy(), graceMs)
    response.once('close', () => clearTimeout(giveUp))
  }

  #hasRoom(frame: string): boolean {
    const held = this.#response.writableLength
    return held === 0 || held + frame.length <= this.#limits.streamBufferBytes
  }

  async #writeLater(frame: string): Promise<void> {
    while (!this.#ended && !this.#response.destroyed && !this.#hasRoom(frame)) await this.#drained()
    this.#send(frame)
  }

  #drained(): Promise<void> {
    const response = this.#response
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(stall)
        response.off('drain', finish)
        response.off('close', finish)
        resolve()
      }
      const stall = setTimeout(() => {
        const seconds = this.#limits.streamStallMs / 1000
        this.#onStall(
          new ApiError('slow_client', `The client read nothing for ${seconds} s; the stream was ended.`),
        )
        finish()
      }, this.#limits.streamStallMs)
      response.once('drain', finish)
      response.once('close', finish)
    })
  }
}
