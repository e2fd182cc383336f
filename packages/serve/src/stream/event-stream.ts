import type { ServerResponse } from 'node:http'
import { ApiError } from '../errors/api-error.js'

/** Bounds on what one reader may make the server hold. */
export interface EventStreamLimits {
  streamBufferBytes: number
  streamStallMs: number
}

/**
 * Server-sent events on a raw response. Nothing is sent before the first event, so that an early failure can still be a
 * plain HTTP error. Whoever sends asks `hasRoom` first and waits for `onRoom` where the reader is behind. A reader that
 * takes nothing for `streamStallMs` meanwhile is given up with `onStall`. `onStart` is
 * called right before the first byte.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #headers: Record<string, string>
  readonly #limits: EventStreamLimits
  readonly #onStall: (error: ApiError) => void
  readonly #onStart: () => void
  #ended = false

  constructor(
    response: ServerResponse,
    headers: Record<string, string>,
    limits: EventStreamLimits,
    onStall: (error: ApiError) => void,
    onStart = () => {},
  ) {
    this.#response = response
    this.#headers = headers
    this.#limits = limits
    this.#onStall = onStall
    this.#onStart = onStart
  }

  get started(): boolean {
    return this.#response.headersSent
  }

  /** Whether the reader keeps up; always, where it has taken everything, and where there is no reader any more. */
  get hasRoom(): boolean {
    if (this.#ended || this.#response.destroyed) return true
    // HAZARD: below Node's own mark no drain is told, and whoever waited for one would wait until the stall.
    const { writableNeedDrain } = this.#response.socket ?? this.#response
    return !writableNeedDrain || this.#response.writableLength <= this.#limits.streamBufferBytes
  }

  /** Sends one event with `json` as its data. */
  send(json: string): void {
    if (!this.#ended) this.#write(`data: ${json}\n\n`)
  }

  /** Calls `go` once there is room, or nobody reads any more; never where the reader is given up. */
  onRoom(go: () => void): void {
    const response = this.#response
    // A request behind another one on its connection has no socket yet.
    const source = response.socket ?? response
    const stop = () => {
      clearTimeout(stall)
      source.off('drain', check)
      response.off('close', check)
    }
    const check = () => {
      if (!this.hasRoom) return void stall.refresh()
      stop()
      go()
    }
    const stall = setTimeout(() => {
      stop()
      const seconds = this.#limits.streamStallMs / 1000
      this.#onStall(
        new ApiError('slow_client', `The client read nothing for ${seconds} s; the stream was ended.`),
      )
    }, this.#limits.streamStallMs)
    source.on('drain', check)
    response.on('close', check)
  }

  /** Ends a good stream with its one `[DONE]`. */
  done(): void {
    this.#end('data: [DONE]\n\n')
  }

  /** Ends a broken stream with its one error event; there is no `[DONE]` after it. */
  fail(envelope: object): void {
    this.#end(`data: ${JSON.stringify(envelope)}\n\n`, Math.min(1000, this.#limits.streamStallMs))
  }

  #write(frame: string): void {
    const response = this.#response
    if (response.destroyed) return
    if (!response.headersSent) {
      this.#onStart()
      response.writeHead(200, this.#headers)
      response.write(frame)
      return
    }
    const { socket } = response
    // PERF: a chunk in one piece. Node's own way makes three writes of it, gathers them in a list and sends that later,
    // which takes twice as long as all else that is done for a token.
    if (socket && response.chunkedEncoding)
      socket.write(`${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`)
    else response.write(frame)
  }

  #end(frame: string, graceMs = this.#limits.streamStallMs): void {
    if (this.#ended) return
    this.#write(frame)
    this.#ended = true
    const response = this.#response
    response.end()
    // A reader that never takes the rest would hold the connection for ever.
    const giveUp = setTimeout(() => response.destroy(), graceMs)
    response.once('close', () => clearTimeout(giveUp))
  }
}
