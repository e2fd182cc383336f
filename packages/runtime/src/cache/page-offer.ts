import type { CachePrefix } from './cache-prefix.js'
import type { PagePool } from './page-pool.js'
import type { PrefixNode, PrefixTree } from './prefix-tree.js'

/** Part of a cached page that can be copied into a page of one's own. */
export interface PartialPage {
  readonly node: PrefixNode
  /** Leading tokens that agree. */
  readonly tokens: number
}

/** What the cache has for a sequence that comes in. Valid until the cache changes. */
export interface PageOffer {
  /** Leading tokens that need not be computed. */
  readonly tokens: number
  /** Whole pages among them. */
  readonly pages: number
  readonly nodes: readonly PrefixNode[]
  readonly partial: PartialPage | undefined
  /** A pool: first of these pages that is needed; those before it are out of the window. */
  readonly first: readonly number[]
  /** A pool: pages that are idle now, and would no longer be. */
  readonly idle: readonly number[]
  /** A window pool: pages among them that others may hold, and go on holding when this sequence gives them back. */
  readonly shared: readonly number[]
}

/** First page that the token at `position` and those behind it can see. */
export function firstVisiblePage(position: number, window: number, pageTokens: number): number {
  return window === 0 ? 0 : Math.floor(Math.max(0, position - window + 1) / pageTokens)
}

export const noOffer = (numPools: number): PageOffer => ({
  tokens: 0,
  pages: 0,
  nodes: [],
  partial: undefined,
  first: new Array<number>(numPools).fill(0),
  idle: new Array<number>(numPools).fill(0),
  shared: new Array<number>(numPools).fill(0),
})

/** Children of a node that are compared for a partial page at most. */
const mostCompared = 64

/** The longest usable run of cached pages for at most `mostTokens` tokens of a prefix. */
export function findPages(
  tree: PrefixTree,
  pools: readonly PagePool[],
  prefix: CachePrefix,
  mostTokens: number,
  withPartial: boolean,
): PageOffer {
  const { pageTokens } = tree
  const walked = tree.walk(prefix, Math.floor(mostTokens / pageTokens))
  const pages = longestUsable(walked, pools, pageTokens)
  const nodes = walked.slice(0, pages)
  const partial = withPartial
    ? findPartial(tree, pools, prefix, nodes, mostTokens - pages * pageTokens)
    : undefined
  if (pages === 0 && !partial) return noOffer(pools.length)
  const tokens = pages * pageTokens + (partial?.tokens ?? 0)
  const first = pools.map(({ spec }) => firstVisiblePage(tokens, spec.window, pageTokens))
  const isReady = (pool: PagePool, node: PrefixNode) => pool.isIdle(node) && pool.isReady(node)
  const idleOfPages = pools.map((pool, k) => {
    let count = 0
    for (let i = first[k]!; i < pages; i++) if (isReady(pool, nodes[i]!)) count++
    return count
  })
  // The page to copy from stays where it is until the step that copies has retired.
  const idle = pools.map((pool, k) => idleOfPages[k]! + (partial && isReady(pool, partial.node) ? 1 : 0))
  const shared = pools.map(({ spec }, k) =>
    spec.window === 0 ? 0 : Math.max(0, pages - first[k]! - idleOfPages[k]!),
  )
  return { tokens, pages, nodes, partial, first, idle, shared }
}

/** How many of the nodes can be used: all pages that the next token sees must be there, in every pool. */
function longestUsable(nodes: readonly PrefixNode[], pools: readonly PagePool[], pageTokens: number): number {
  const run = pools.map(() => 0)
  let usable = 0
  for (let count = 1; count <= nodes.length; count++) {
    const node = nodes[count - 1]!
    let isUsable = true
    for (let k = 0; k < pools.length; k++) {
      run[k] = node.pages[k]! >= 0 ? run[k]! + 1 : 0
      const first = firstVisiblePage(count * pageTokens, pools[k]!.spec.window, pageTokens)
      if (run[k]! < count - first) isUsable = false
    }
    if (isUsable) usable = count
  }
  return usable
}

/** The child behind the last node that begins with most of the tokens that follow. */
function findPartial(
  tree: PrefixTree,
  pools: readonly PagePool[],
  prefix: CachePrefix,
  nodes: readonly PrefixNode[],
  mostTokens: number,
): PartialPage | undefined {
  const parent = nodes.at(-1) ?? tree.rootOf(prefix)
  if (!parent || mostTokens <= 0) return undefined
  const page = nodes.length
  let best: PartialPage | undefined
  let compared = 0
  for (const node of parent.children.values()) {
    if (++compared > mostCompared) break
    if (pools.some((pool) => node.pages[pool.index]! < 0)) continue
    if (node.media !== '' || prefix.hasMedia) continue
    const most = Math.min(mostTokens, tree.pageTokens - 1)
    let tokens = 0
    while (tokens < most && prefix.tokenAt(page * tree.pageTokens + tokens) === node.tokens[tokens]) tokens++
    if (tokens > (best?.tokens ?? 0)) best = { node, tokens }
  }
  return best
}
