import type { PrefixNode } from './prefix-tree.js'

/** A change of a number, as TensorRT-LLM writes it. */
export interface EventDiff {
  readonly type: 'event_diff'
  readonly new_value: number
  readonly old_value: number
}

export interface StoredBlock {
  readonly type: 'stored_block'
  readonly block_hash: number
  readonly tokens: readonly {
    readonly type: 'unique_token'
    readonly token_id: number
    readonly token_extra_id: number
  }[]
  /** 0 = device memory. */
  readonly cache_level: number
  readonly priority: number
}

/** What happened to cached pages, in TensorRT-LLM's shape (a block is a page). */
export type KvCacheEventData =
  | { readonly type: 'created'; readonly num_blocks_per_cache_level: readonly number[] }
  | { readonly type: 'stored'; readonly parent_hash: number | null; readonly blocks: readonly StoredBlock[] }
  | { readonly type: 'removed'; readonly block_hashes: readonly number[] }
  | {
      readonly type: 'updated'
      readonly block_hash: number
      readonly cache_level: EventDiff | null
      readonly priority: EventDiff | null
    }

export interface KvCacheEvent {
  /** Counts from 0; a gap tells that events were dropped because nobody read them. */
  readonly event_id: number
  readonly data: KvCacheEventData
  /** Attention window of the pages in tokens. */
  readonly window_size: number
}

/** The latest events, at most `capacity`; with 0 none are kept. Older ones are dropped. */
export class CacheEvents {
  readonly #capacity: number
  #events: KvCacheEvent[] = []
  #nextId = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isOn(): boolean {
    return this.#capacity > 0
  }

  created(numPages: number, windowSize: number): void {
    this.#push({ type: 'created', num_blocks_per_cache_level: [numPages] }, windowSize)
  }

  /** Pages that follow each other, first to last. */
  stored(nodes: readonly PrefixNode[], windowSize: number): void {
    const parent = nodes[0]?.parent
    const blocks = nodes.map(({ hash, tokens, priority }) => ({
      type: 'stored_block' as const,
      block_hash: hash,
      tokens: Array.from(tokens, (token_id) => ({
        type: 'unique_token' as const,
        token_id,
        token_extra_id: 0,
      })),
      cache_level: 0,
      priority,
    }))
    this.#push({ type: 'stored', parent_hash: parent?.parent ? parent.hash : null, blocks }, windowSize)
  }

  removed(node: PrefixNode, windowSize: number): void {
    this.#push({ type: 'removed', block_hashes: [node.hash] }, windowSize)
  }

  reprioritized(node: PrefixNode, oldPriority: number, windowSize: number): void {
    const priority = { type: 'event_diff' as const, new_value: node.priority, old_value: oldPriority }
    this.#push({ type: 'updated', block_hash: node.hash, cache_level: null, priority }, windowSize)
  }

  /** All events since the last call, oldest first. */
  drain(): KvCacheEvent[] {
    const events = this.#events.slice(-this.#capacity)
    this.#events = []
    return events
  }

  #push(data: KvCacheEventData, window_size: number): void {
    if (!this.isOn) return
    this.#events.push({ event_id: this.#nextId++, data, window_size })
    // Cut in large pieces: O(1) amortised.
    if (this.#events.length >= 2 * this.#capacity) this.#events = this.#events.slice(-this.#capacity)
  }
}
