import type { CacheDType } from '@trtllm/kernels'
import { type CacheContent, type CacheSpec, pageBytesOf } from './cache-spec.js'
import { pageTokens } from './step-layout.js'

/** Equal caches that share page ids: page `p` of the pool is page `p` in the buffer of each. */
export interface CachePool {
  readonly content: CacheContent
  readonly dtype: CacheDType
  /** Positions a token sees; 0 = all before it. */
  readonly window: number
  /** Paths of the attentions, in the order of their buffers. */
  readonly caches: readonly string[]
  /** Bytes of a page in one cache's buffer. */
  readonly pageBytes: number
}

export interface CacheLayout {
  readonly pools: readonly CachePool[]
  /** Pool and index in it of each cache of the graph. */
  readonly places: readonly { readonly pool: number; readonly index: number }[]
}

/** Groups the caches of a graph into their pools. */
export function layOutCaches(specs: readonly CacheSpec[]): CacheLayout {
  const members: CacheSpec[][] = []
  const places = specs.map((spec) => {
    members[spec.pool] ??= []
    return { pool: spec.pool, index: members[spec.pool]!.push(spec) - 1 }
  })
  const pools = members.map((equal) => {
    const { content, dtype, window } = equal[0]!
    const pageBytes = pageBytesOf(equal[0]!)
    return { content, dtype, window, caches: equal.map(({ path }) => path), pageBytes }
  })
  return { pools, places }
}

/** Bytes of one page id: a page in the buffer of every cache of the pool. */
export const poolPageBytes = ({ pageBytes, caches }: CachePool): number => pageBytes * caches.length

/** Bytes that one token takes in all pools. */
export const kvBytesPerToken = (pools: readonly CachePool[]): number =>
  pools.reduce((bytes, pool) => bytes + poolPageBytes(pool) / pageTokens, 0)
