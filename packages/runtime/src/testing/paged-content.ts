import type { PagePoolSpec } from '../cache/page-pool.js'
import { mix } from './content-hash.js'

const wordsPerEntry = 4

/** What a page really holds at one position. */
export interface PageEntry {
  readonly nonce: number
  readonly position: number
  readonly token: number
  /** Step that wrote it; 0 = never written. */
  readonly epoch: number
}

/**
 * KV pages with checkable content: every position of every page holds who wrote it (nonce), which position and token
 * it stands for, and when (epoch). Pages are never cleared, so what an earlier request left is really there.
 */
export class PagedContent {
  readonly spec: PagePoolSpec
  readonly #words: Int32Array
  /** Entries read, and how many of them were not what the reader must find. */
  reads = 0
  foreignReads = 0

  constructor(spec: PagePoolSpec) {
    this.spec = spec
    this.#words = new Int32Array(spec.pages * spec.pageTokens * wordsPerEntry)
  }

  /** Writes the entry of a position through a page table. */
  write(pageTable: Int32Array, entry: PageEntry): void {
    const at = this.#index(pageTable, entry.position)
    if (at < 0) return
    this.#words[at] = entry.nonce
    this.#words[at + 1] = entry.position
    this.#words[at + 2] = entry.token
    this.#words[at + 3] = entry.epoch
  }

  /**
   * Hash of what positions 0..last (or the window before last) hold, read through a page table as attention does.
   * Reads of a doomed reader, whose earlier step failed, are not counted.
   */
  hash(pageTable: Int32Array, last: number, nonce: number, doomed: boolean): number {
    const first = this.spec.window > 0 ? Math.max(0, last - this.spec.window + 1) : 0
    let hash = mix(nonce, first)
    for (let position = first; position <= last; position++) {
      const at = this.#index(pageTable, position)
      if (!doomed) this.reads++
      if (at < 0) {
        this.foreignReads += doomed ? 0 : 1
        continue
      }
      const words = this.#words
      const foreign = words[at] !== nonce || words[at + 1] !== position || words[at + 3] === 0
      if (foreign && !doomed) this.foreignReads++
      hash = mix(mix(mix(hash, words[at]!), words[at + 1]!), words[at + 2]!)
    }
    return hash
  }

  #index(pageTable: Int32Array, position: number): number {
    const { pageTokens, pages } = this.spec
    const page = pageTable[Math.floor(position / pageTokens)]
    if (page === undefined || page < 0 || page >= pages) return -1
    return (page * pageTokens + (position % pageTokens)) * wordsPerEntry
  }
}
