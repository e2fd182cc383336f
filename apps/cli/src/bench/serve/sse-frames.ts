const newline = 0x0a

/**
 * Counts the events of a stream of server-sent events as its bytes come, without making text of them: what a server
 * sends is a line and an empty line an event. Keeps the last bytes, where the stream says how it ended.
 */
export class SseFrames {
  #newlines = 0
  #tail: Buffer[] = []

  /** Takes bytes. @returns how many events they completed. */
  push(bytes: Buffer): number {
    const before = this.#newlines >> 1
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) this.#newlines++
    this.#tail.push(bytes)
    if (this.#tail.length > 8) this.#tail.shift()
    return (this.#newlines >> 1) - before
  }

  /** The last events as text; the first of them may be cut. */
  tail(): string[] {
    const text = Buffer.concat(this.#tail).toString('utf8')
    return text
      .split('\n\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6))
  }
}
