import type { PageOffer } from '../cache/page-offer.js'
import type { Sequence } from './sequence.js'

/** Part of a step that belongs to one sequence: a run of positions and the logits rows they need. */
export interface Work {
  readonly sequence: Sequence
  /** First position and number of positions computed in this step. */
  readonly start: number
  readonly tokens: number
  /** Prompt positions, a suffix of this chunk's prompt part, whose logits go back to the client. */
  readonly contextRows: number
  /** Whether the last position is sampled. */
  readonly samples: boolean
  /** Logits rows in all; the sampled row is the last of the context rows when it is a prompt position. */
  readonly rows: number
  /** Pages to lend and add to the slot's table, per pool. */
  readonly newPages: number
  /** Pages that come from the cache, before the new ones; 0 but for sequences that come in. */
  readonly reusedPages: number
  /** Index in the page tables of the first page that the device does not know; all behind it are new to it. */
  readonly firstNewPage: number
  /** First position whose token the host writes; positions from here to the end of the chunk are delivered. */
  readonly deliverFrom: number
  /** Whether the sampling record and the lists go with this step. */
  readonly sendsSetup: boolean
}

/** What the next step does. Work keeps its order: decode rows first, then prefill chunks, oldest first in both. */
export interface Batch {
  /** Running sequences that lose their slot and pages, youngest first. */
  readonly pause: readonly Sequence[]
  /** Sequences that get a slot, in this order, and what the cache has for them; all have work in this batch. */
  readonly admit: readonly Admission[]
  /** Whether somebody could come in and is kept waiting for a fuller batch. */
  readonly isHolding: boolean
  readonly work: readonly Work[]
}

export interface Admission {
  readonly sequence: Sequence
  readonly offer: PageOffer
}
