import type { PagePoolSpec } from '../cache/page-pool.js'
import { mix } from './content-hash.js'

const wordsPerEntry = 7

/** Who writes or reads: tenants and rope variants must never see each other's entries. */
export interface PageUser {
  readonly nonce: number
  readonly tenant: number
  readonly variant: number
}

/** Hash of an entry that stands for a token behind what `before` stands for, as keys and values depend on all before. */
export const chain = (before: number, token: number, position: number): number =>
  mix(mix(before, token), position)

/** What the chain of a sequence begins with. */
export const chainStart = (tenant: number, variant: number): number => mix(mix(0x51ed270b, tenant), variant)

/** First position that a token at `last` sees. */
export const firstSeen = (last: number, window: number): number =>
  window > 0 ? Math.max(0, last - window + 1) : 0

/** What a reader that finds everything in order makes of it. */
export const contentOf = (lastChain: number, first: number): number => mix(lastChain, first)

/**
 * KV pages with checkable content: every position of every page holds who wrote it, which position and token it stands
 * for, when, and a chain hash over all that the writer has read before it. Pages are never cleared, so what an earlier
 * request left is really there, and a reader of a shared page can tell whether it is its own prefix.
 */
export class PagedContent {
  readonly spec: PagePoolSpec
  readonly #words: Int32Array
  /** Entries read, how many of them another request wrote, and how many were not what the reader must find. */
  reads = 0
  sharedReads = 0
  foreignReads = 0

  constructor(spec: PagePoolSpec) {
    this.spec = spec
    this.#words = new Int32Array(spec.pages * spec.pageTokens * wordsPerEntry)
  }

  /** Writes the entry of a position through a page table, behind what the table has before it; `epoch` is the step. */
  write(pageTable: Int32Array, user: PageUser, position: number, token: number, epoch: number): void {
    const at = this.#index(pageTable, position)
    if (at < 0) return
    const { nonce, tenant, variant } = user
    const words = this.#words
    const before = this.#index(pageTable, position - 1)
    const link = position === 0 ? chainStart(tenant, variant) : before < 0 ? 0 : words[before + 6]!
    words[at] = nonce
    words[at + 1] = tenant
    words[at + 2] = variant
    words[at + 3] = position
    words[at + 4] = token
    words[at + 5] = epoch
    words[at + 6] = chain(link, token, position)
  }

  /** What the op `copy-pages` does: the first entries of a page, whoever wrote them. */
  copy(source: number, destination: number, tokens: number): void {
    const size = this.spec.pageTokens * wordsPerEntry
    this.#words.copyWithin(destination * size, source * size, source * size + tokens * wordsPerEntry)
  }

  /**
   * Hash of what positions 0..last (or the window before last) hold, read through a page table as attention does.
   * Reads of a doomed reader, whose earlier step failed, are not counted.
   */
  hash(pageTable: Int32Array, last: number, reader: PageUser, doomed: boolean): number {
    const first = firstSeen(last, this.spec.window)
    const words = this.#words
    let link = first === 0 ? chainStart(reader.tenant, reader.variant) : undefined
    let wrong = 0
    for (let position = first; position <= last; position++) {
      const at = this.#index(pageTable, position)
      if (!doomed) this.reads++
      const isOwn =
        at >= 0 &&
        words[at + 1] === reader.tenant &&
        words[at + 2] === reader.variant &&
        words[at + 3] === position &&
        words[at + 5] !== 0 &&
        (link === undefined || words[at + 6] === (chain(link, words[at + 4]!, position) | 0))
      if (!isOwn) {
        wrong = mix(mix(wrong, position), at < 0 ? -1 : words[at + 6]!)
        if (!doomed) this.foreignReads++
      } else if (words[at] !== reader.nonce && !doomed) this.sharedReads++
      link = at < 0 ? 0 : words[at + 6]!
    }
    const content = contentOf(link!, first)
    return wrong === 0 ? content : mix(content, wrong)
  }

  #index(pageTable: Int32Array, position: number): number {
    const { pageTokens, pages } = this.spec
    const page = pageTable[Math.floor(position / pageTokens)]
    if (page === undefined || page < 0 || page >= pages) return -1
    return (page * pageTokens + (position % pageTokens)) * wordsPerEntry
  }
}
