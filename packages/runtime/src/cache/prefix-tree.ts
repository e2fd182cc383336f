import type { CachePrefix } from './cache-prefix.js'
import { defaultPriority } from './retention.js'

/** A page's worth of tokens in the tree, and the page that holds their keys and values in each pool. */
export class PrefixNode {
  /** Undefined for a root, which stands for no tokens. */
  readonly parent: PrefixNode | undefined
  /** Index of the page in its sequence; -1 for a root. */
  readonly index: number
  readonly tokens: Int32Array
  readonly media: string
  readonly hash: number
  readonly children = new Map<number, PrefixNode>()
  /** A pool: the page id, or -1 where this pool has none. */
  readonly pages: number[]
  /** A pool: slots that hold the node; its page is neither given away nor rewritten while there is one. */
  readonly refs: number[]
  /** A pool: last step that may read the page. */
  readonly lastStep: number[]
  /** A pool: order of last use; larger is later. */
  readonly lastUsed: number[]
  priority = defaultPriority
  /** When the priority falls back to the default. */
  expiresMs = Number.POSITIVE_INFINITY
  isAttached = true

  constructor(
    parent: PrefixNode | undefined,
    numPools: number,
    content: { tokens: Int32Array; media: string; hash: number },
  ) {
    this.parent = parent
    this.index = parent ? parent.index + 1 : -1
    this.tokens = content.tokens
    this.media = content.media
    this.hash = content.hash
    this.pages = new Array<number>(numPools).fill(-1)
    this.refs = new Array<number>(numPools).fill(0)
    this.lastStep = new Array<number>(numPools).fill(0)
    this.lastUsed = new Array<number>(numPools).fill(0)
  }

  /** Whether the node stands for exactly the tokens and media of a page. */
  holds(prefix: CachePrefix, page: number): boolean {
    const { tokens } = this
    const first = page * tokens.length
    for (let i = 0; i < tokens.length; i++) if (prefix.tokenAt(first + i) !== tokens[i]) return false
    return prefix.mediaOf(page, tokens.length) === this.media
  }
}

const nothing = new Int32Array(0)

/** Which tokens have pages: a tree of whole pages, one root for each scope. It knows no reference rules. */
export class PrefixTree {
  readonly pageTokens: number
  readonly #numPools: number
  readonly #roots = new Map<string, PrefixNode>()
  /** Nodes beside roots. */
  size = 0

  constructor(pageTokens: number, numPools: number) {
    this.pageTokens = pageTokens
    this.#numPools = numPools
  }

  /** The root of a scope; undefined when nothing of it is cached. */
  rootOf(prefix: CachePrefix): PrefixNode | undefined {
    return this.#roots.get(prefix.scopeKey)
  }

  /** The node behind `parent` that holds a page of the prefix. Ids are compared, not only hashes. */
  childOf(parent: PrefixNode, prefix: CachePrefix, page: number): PrefixNode | undefined {
    const child = parent.children.get(prefix.hashOf(page, this.pageTokens))
    return child?.holds(prefix, page) ? child : undefined
  }

  /** The nodes of the first pages of a prefix, as far as there are any; at most `most`. */
  walk(prefix: CachePrefix, most: number): PrefixNode[] {
    const nodes: PrefixNode[] = []
    let node = this.rootOf(prefix)
    while (node && nodes.length < most) {
      node = this.childOf(node, prefix, nodes.length)
      if (node) nodes.push(node)
    }
    return nodes
  }

  /** Adds the node of a page; undefined when another one with the same hash is in its place. */
  add(parent: PrefixNode | undefined, prefix: CachePrefix, page: number): PrefixNode | undefined {
    const above = parent ?? this.#rootFor(prefix)
    const hash = prefix.hashOf(page, this.pageTokens)
    if (above.children.has(hash)) return undefined
    const tokens = prefix.tokensOf(page, this.pageTokens)
    const node = new PrefixNode(above, this.#numPools, {
      tokens,
      media: prefix.mediaOf(page, this.pageTokens),
      hash,
    })
    above.children.set(hash, node)
    this.size++
    return node
  }

  /** Takes a node without children out of the tree, and its ancestors that have neither children nor pages. */
  remove(node: PrefixNode): void {
    let leaf: PrefixNode | undefined = node
    while (leaf?.parent && leaf.children.size === 0) {
      const parent: PrefixNode = leaf.parent
      parent.children.delete(leaf.hash)
      leaf.isAttached = false
      this.size--
      if (parent.parent && (parent.pages.some((page) => page >= 0) || parent.refs.some((refs) => refs > 0)))
        return
      leaf = parent
    }
    if (leaf && !leaf.parent && leaf.children.size === 0) this.#forgetRoot(leaf)
  }

  /** All nodes but the roots, parents first. */
  *nodes(): Generator<PrefixNode> {
    const open: PrefixNode[] = [...this.#roots.values()]
    for (let node = open.pop(); node; node = open.pop()) {
      for (const child of node.children.values()) {
        yield child
        open.push(child)
      }
    }
  }

  #rootFor(prefix: CachePrefix): PrefixNode {
    const known = this.#roots.get(prefix.scopeKey)
    if (known) return known
    const root = new PrefixNode(undefined, this.#numPools, {
      tokens: nothing,
      media: prefix.scopeKey,
      hash: 0,
    })
    this.#roots.set(prefix.scopeKey, root)
    return root
  }

  #forgetRoot(root: PrefixNode): void {
    root.isAttached = false
    this.#roots.delete(root.media)
  }
}
