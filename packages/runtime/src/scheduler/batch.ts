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
  /** Pages to add to the slot's table, per pool. */
  readonly newPages: number
}

/** What the next step does. Work keeps its order: decode rows first, then prefill chunks, oldest first in both. */
export interface Batch {
  /** Running sequences that lose their slot and pages, youngest first. */
  readonly pause: readonly Sequence[]
  /** Sequences that get a slot, in this order; all have work in this batch. */
  readonly admit: readonly Sequence[]
  readonly work: readonly Work[]
}
