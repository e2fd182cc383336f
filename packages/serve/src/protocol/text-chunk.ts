/** Stands where the text will be; no name that a server gives holds it. */
const mark = '\u0000text\u0000'

/**
 * The JSON of chunks that differ in a piece of text alone.
 *
 * PERF: nearly every chunk of a stream is one; writing the object anew takes a multiple of what its text takes.
 */
export class TextChunk {
  readonly #before: string
  readonly #after: string

  /** `chunk` makes the object that holds a text. */
  constructor(chunk: (text: string) => object) {
    const [before, after] = JSON.stringify(chunk(mark)).split(JSON.stringify(mark)) as [string, string]
    this.#before = before
    this.#after = after.slice(0, -1)
  }

  /** The JSON of a chunk, with `usage` as its last member where that is given. */
  json(text: string, usage?: object | null): string {
    const end =
      usage === undefined ? '}' : usage === null ? ',"usage":null}' : `,"usage":${JSON.stringify(usage)}}`
    return this.#before + JSON.stringify(text) + this.#after + end
  }
}
