/** What a push gave: text that is certain, and the stop string that ended it. */
export interface StopResult {
  readonly text: string
  readonly stop?: string
}

/**
 * Cuts a text at the first stop string to be completed; of several completed by the same character, at the longest.
 * Holds back only what may be the beginning of a stop string: at most the longest one's length - 1.
 */
export class StopStrings {
  readonly #stops: readonly string[]
  readonly #keeps: boolean
  #held = ''
  #stopped = false

  /** `keepStop`: the stop string itself stays in the text. */
  constructor(stops: readonly string[], { keepStop = false } = {}) {
    // An empty one would end every text before its beginning.
    this.#stops = stops.filter((stop) => stop !== '')
    this.#keeps = keepStop
  }

  /** Whether text goes through as it is. */
  get isEmpty(): boolean {
    return this.#stops.length === 0
  }

  /** Adds text. After a stop string was found everything else is dropped. */
  push(text: string): StopResult {
    if (this.#stopped) return { text: '' }
    if (this.#stops.length === 0) return { text }
    const all = this.#held + text
    const stop = this.#firstStop(all)
    if (stop) {
      this.#stopped = true
      this.#held = ''
      const { at, word } = stop
      return { text: all.slice(0, this.#keeps ? at + word.length : at), stop: word }
    }
    const certain = all.length - this.#openLength(all)
    this.#held = all.slice(certain)
    return { text: all.slice(0, certain) }
  }

  /** The end of the text: what was held back is no stop string. */
  flush(): string {
    const text = this.#held
    this.#held = ''
    return text
  }

  #firstStop(text: string): { at: number; word: string } | undefined {
    let best: { at: number; word: string } | undefined
    for (const word of this.#stops) {
      const at = text.indexOf(word)
      if (at < 0) continue
      const ahead = best ? at + word.length - (best.at + best.word.length) : -1
      if (ahead < 0 || (ahead === 0 && at < best!.at)) best = { at, word }
    }
    return best
  }

  /** Length of the longest end of `text` that begins a stop string. */
  #openLength(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text[text.length - length] === stop[0] && text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
