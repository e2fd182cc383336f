import { pageTokens } from './step-layout.js'

/** The keys and values that one attention keeps. */
export interface CacheSpec {
  /** Where attention was called. */
  readonly path: string
  /** Heads that this rank keeps. */
  readonly kvHeads: number
  readonly headDim: number
  /** Positions a token sees, its own included; 0 = all before it. */
  readonly window: number
  /** Index of the pool it shares page ids with. */
  readonly pool: number
}

/** The caches of one trace. Equal ones share a pool: one page id stands for a page in each of them. */
export class CacheTable {
  readonly specs: CacheSpec[] = []
  private readonly pools: string[] = []

  /** Adds a cache and returns its index. */
  add(path: string, kvHeads: number, headDim: number, window: number): number {
    const key = `${kvHeads} ${headDim} ${window}`
    let pool = this.pools.indexOf(key)
    if (pool < 0) pool = this.pools.push(key) - 1
    return this.specs.push({ path, kvHeads, headDim, window, pool }) - 1
  }
}

/** Elements of one page of a cache: [2, kvHeads, pageTokens, headDim]. */
export const pageElements = ({ kvHeads, headDim }: Pick<CacheSpec, 'kvHeads' | 'headDim'>): number =>
  2 * kvHeads * pageTokens * headDim
