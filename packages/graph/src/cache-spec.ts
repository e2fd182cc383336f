import { type CacheDType, dtypeBytes } from '@trtllm/kernels'
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
  readonly dtype: CacheDType
  /** Positions a token sees, its own included; 0 = all before it. */
  readonly window: number
  /** Index of the pool it shares page ids with. */
  readonly pool: number
}

/** What the numbers of an f8 cache are multiplied by; 1 and 1 for other types. */
export interface CacheScales {
  readonly key: number
  readonly value: number
}

/** How a trace keeps keys and values. */
export interface CacheFormat {
  readonly dtype: CacheDType
  /** Scales of the attention called at a path. Default: 1. */
  readonly scalesOf?: (path: string) => CacheScales
}

/** The caches of one trace. Equal ones share a pool: one page id stands for a page in each of them. */
export class CacheTable {
  readonly specs: CacheSpec[] = []
  private readonly pools: string[] = []

  /** Adds a cache and returns its index. */
  add({ path, content, dtype, window }: Omit<CacheSpec, 'pool'>): number {
    const key = `${contentText(content)}, ${dtype}, ${window}`
    let pool = this.pools.indexOf(key)
    if (pool < 0) pool = this.pools.push(key) - 1
    return this.specs.push({ path, content, dtype, window, pool }) - 1
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

/** Bytes of one page of a cache. */
export const pageBytesOf = ({ content, dtype }: Pick<CacheSpec, 'content' | 'dtype'>): number =>
  pageShape(content).reduce((product, size) => product * size, 1) * dtypeBytes[dtype]

/** `2 heads x 64` or `a latent of 576` */
export const contentText = (content: CacheContent): string =>
  content.kind === 'heads' ? `${content.kvHeads} heads x ${content.headDim}` : `a latent of ${content.width}`
