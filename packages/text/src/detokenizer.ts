import type { TokenBytes } from './token-bytes.js'

/** Turns ids into text as they come. However the ids are split into pushes, the pieces join to the same text. */
export interface Detokenizer {
  /** The text that is certain after these ids; never half a character. */
  push(ids: Iterable<number>): string
  /** The same for one id. */
  pushOne(id: number): string
  /** The rest: U+FFFD for a character that was never completed. The detokenizer then starts anew. */
  flush(): string
}

/** For tokenizers whose tokens are runs of bytes: the bytes go through one UTF-8 decoder. */
export class ByteDetokenizer implements Detokenizer {
  readonly #table: TokenBytes
  readonly #skips: (id: number) => boolean
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #leadingSpaces: number
  /** Whether the decoder may hold the beginning of a character. */
  #isOpen = false

  constructor(table: TokenBytes, skips: (id: number) => boolean) {
    this.#table = table
    this.#skips = skips
    this.#leadingSpaces = table.leadingSpaces
  }

  push(ids: Iterable<number>): string {
    let text = ''
    for (const id of ids) text += this.pushOne(id)
    return text
  }

  /** PERF: nearly all tokens are whole characters after whole characters: their text is known, a decoder takes 1 us. */
  pushOne(id: number): string {
    if (this.#skips(id)) return ''
    const whole = this.#table.textOf(id)
    const text =
      whole !== undefined && !this.#isOpen
        ? whole
        : this.#decoder.decode(this.#table.bytesOf(id), { stream: true })
    // Whole characters end whatever was begun before them; a token without text ends nothing.
    this.#isOpen = whole === undefined || (whole === '' && this.#isOpen)
    return this.#leadingSpaces > 0 ? this.#strip(text) : text
  }

  flush(): string {
    const text = this.#strip(this.#decoder.decode())
    this.#isOpen = false
    this.#leadingSpaces = this.#table.leadingSpaces
    return text
  }

  #strip(text: string): string {
    let start = 0
    while (this.#leadingSpaces > 0 && start < text.length) {
      this.#leadingSpaces = text[start] === ' ' ? this.#leadingSpaces - 1 : 0
      if (text[start] === ' ') start++
    }
    return text.slice(start)
  }
}

/** Ids after which a text that ends in U+FFFD is given out although its last character might be incomplete. */
const longestWindow = 32

/**
 * For tokenizers whose tokens look at their neighbours (Metaspace, WordPiece): the new text is what decoding a window
 * of the last ids gives beyond the part that was given out.
 */
export class WindowDetokenizer implements Detokenizer {
  readonly #decode: (ids: number[]) => string
  readonly #skips: (id: number) => boolean
  #window: number[] = []
  /** Ids of the window whose text was given out, and that text. */
  #given = 0
  #givenText = ''

  /** `decode` decodes ids that begin a text. */
  constructor(decode: (ids: number[]) => string, skips: (id: number) => boolean) {
    this.#decode = decode
    this.#skips = skips
  }

  push(ids: Iterable<number>): string {
    let text = ''
    for (const id of ids) text += this.pushOne(id)
    return text
  }

  pushOne(id: number): string {
    return this.#skips(id) ? '' : this.#pushOne(id)
  }

  flush(): string {
    const text = this.#window.length > this.#given ? this.#rest() : ''
    this.#window = []
    this.#given = 0
    this.#givenText = ''
    return text
  }

  #pushOne(id: number): string {
    this.#window.push(id)
    const text = this.#rest()
    const isOpen = text.endsWith('\ufffd') && this.#window.length - this.#given < longestWindow
    if (text === '' || isOpen) return ''
    // The last ids stay as the context of the next ones.
    this.#window = this.#window.slice(this.#given)
    this.#given = this.#window.length
    this.#givenText = this.#decode(this.#window)
    return text
  }

  #rest(): string {
    return this.#decode(this.#window).slice(this.#givenText.length)
  }
}
