import { type PageRetention, pageRetention, type RetentionConfig } from './retention.js'

/** A stretch of prompt positions that stand for something beside their ids, for instance an image. */
export interface MediaSpan {
  readonly start: number
  readonly end: number
  /** Hash of what stands there. */
  readonly hash: string
}

/** What must be equal, beside the tokens, for two sequences to share pages. */
export interface CacheScope {
  /** Which model, in which KV type: pages and their hashes mean nothing to another one. */
  readonly model?: string
  /** Rope table in use: the same ids have other keys under another one. */
  readonly ropeVariant?: number
  /** Keeps tenants apart. */
  readonly salt?: string
  readonly adapter?: string
  readonly media?: readonly MediaSpan[]
  readonly retention?: RetentionConfig
}

/**
 * The tokens of a sequence as the cache sees them: page by page, each page with a hash over all that its content
 * depends on. The arrays are the sequence's own; a page may be asked for once all its tokens are known.
 */
export class CachePrefix {
  /** Everything but tokens and media that the content of a page depends on, written unambiguously. */
  readonly scopeKey: string
  readonly #promptIds: Int32Array
  readonly #generatedIds: readonly number[]
  readonly #scope: CacheScope
  readonly #media: readonly MediaSpan[]
  readonly #retention: RetentionConfig | undefined
  readonly #hashes: number[] = []

  constructor(promptIds: Int32Array, generatedIds: readonly number[], scope: CacheScope = {}) {
    const { model = '', ropeVariant = 0, salt = null, adapter = null } = scope
    this.scopeKey = JSON.stringify([model, ropeVariant, salt, adapter])
    this.#promptIds = promptIds
    this.#generatedIds = generatedIds
    this.#scope = scope
    this.#media = scope.media ?? []
    this.#retention = scope.retention
  }

  /** The same tokens so far; what follows are those of `generatedIds`, a copy of this one's. */
  fork(generatedIds: readonly number[]): CachePrefix {
    const twin = new CachePrefix(this.#promptIds, generatedIds, this.#scope)
    twin.#hashes.push(...this.#hashes)
    return twin
  }

  /** Tokens known so far. */
  get length(): number {
    return this.#promptIds.length + this.#generatedIds.length
  }

  get promptLength(): number {
    return this.#promptIds.length
  }

  tokenAt(position: number): number {
    const { length } = this.#promptIds
    const id = position < length ? this.#promptIds[position] : this.#generatedIds[position - length]
    if (id === undefined) throw new Error(`cache prefix: no token is known at position ${position}`)
    return id
  }

  /** Ids of a page, copied. */
  tokensOf(page: number, pageTokens: number): Int32Array {
    const ids = new Int32Array(pageTokens)
    for (let i = 0; i < pageTokens; i++) ids[i] = this.tokenAt(page * pageTokens + i)
    return ids
  }

  /** What else stands in a page: media by position inside the page. Empty for text. */
  mediaOf(page: number, pageTokens: number): string {
    if (this.#media.length === 0) return ''
    const first = page * pageTokens
    const parts = this.#media
      .filter(({ start, end }) => start < first + pageTokens && end > first)
      .map(({ start, end, hash }) => [
        Math.max(start - first, 0),
        Math.min(end - first, pageTokens),
        start,
        hash,
      ])
    return parts.length === 0 ? '' : JSON.stringify(parts)
  }

  /** Hash of all tokens up to the end of a page, the scope and the media; a whole number below 2^53. */
  hashOf(page: number, pageTokens: number): number {
    for (let next = this.#hashes.length; next <= page; next++) {
      const parent = next === 0 ? textHash(this.scopeKey) : this.#hashes[next - 1]!
      const hash = new PageHash(parent)
      for (let position = next * pageTokens; position < (next + 1) * pageTokens; position++) {
        hash.add(this.tokenAt(position))
      }
      const media = this.mediaOf(next, pageTokens)
      if (media !== '') hash.add(textHash(media) | 0)
      this.#hashes.push(hash.value)
    }
    return this.#hashes[page]!
  }

  retentionOf(page: number, pageTokens: number): PageRetention {
    return pageRetention(this.#retention, page * pageTokens, this.#promptIds.length)
  }

  get hasRetention(): boolean {
    return this.#retention !== undefined
  }

  get hasMedia(): boolean {
    return this.#media.length > 0
  }
}

/** Two 32-bit lanes that give 53 bits. Not for secrets: whoever compares by it compares the tokens too. */
class PageHash {
  #a: number
  #b: number

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
  }

  add(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x9e3779b1)
    this.#a ^= this.#a >>> 15
    this.#b = Math.imul(this.#b + word + 0x7f4a7c15, 0x85ebca6b) ^ this.#a
    this.#b ^= this.#b >>> 13
  }

  get value(): number {
    return (this.#a >>> 0) + ((Math.imul(this.#b, 0xc2b2ae35) >>> 11) & 0x1fffff) * 2 ** 32
  }
}

function textHash(text: string): number {
  const hash = new PageHash(text.length)
  for (let i = 0; i < text.length; i++) hash.add(text.charCodeAt(i))
  return hash.value
}
