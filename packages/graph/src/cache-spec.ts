import { pageTokens } from './step-layout.js'

/** What a cache keeps of a token: keys and values of this rank's heads, or one latent vector that all heads share. */
export type CacheContent =
  | { readonly kind: 'heads'; readonly kvHeads: number; readonly headDim: number }
  | { readonly kind: 'latent'; readonly width: number }

/** What one attention keeps of the tokens it has seen. */
export interface CacheSpec {
  /** Where attention was called. */
  readonly path: string
  readonly content: CacheContent
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
  add(path: string, content: CacheContent, window: number): number {
    const key = `${contentText(content)}, ${window}`
    let pool = this.pools.indexOf(key)
    if (pool < 0) pool = this.pools.push(key) - 1
    return this.specs.push({ path, content, window, pool }) - 1
  }
}

/** Axes of one page: [2, kvHeads, pageTokens, headDim] of heads, [pageTokens, width] of latent vectors. */
export const pageShape = (content: CacheContent): number[] =>
  content.kind === 'heads' ? [2, content.kvHeads, pageTokens, content.headDim] : [pageTokens, content.width]

/** The same page as runs of tokens that lie together: [runs, pageTokens, width]. */
export const pageRuns = (content: CacheContent): number[] =>
  content.kind === 'heads'
    ? [2 * content.kvHeads, pageTokens, content.headDim]
    : [1, pageTokens, content.width]

/** Elements of one page of a cache. */
export const pageElements = (content: CacheContent): number =>
  pageShape(content).reduce((product, size) => product * size, 1)

/** `2 heads x 64` or `a latent of 576` */
export const contentText = (content: CacheContent): string =>
  content.kind === 'heads' ? `${content.kvHeads} heads x ${content.headDim}` : `a latent of ${content.width}`
