import type { StepLayout, StepSizes, StepWork } from '@trtllm/graph'
import { rowTasks, samplingWords } from '@trtllm/kernels'

/** A step whose sequences are equal: each has as many tokens, ends at `context` and takes the slot of its number. */
export const decodeStep = (batch: number, context: number): StepWork => ({
  sizes: { tokens: batch, rows: batch, seqs: batch },
  context,
})

/** The whole prompt of one sequence. */
export const promptStep = (tokens: number): StepWork => ({
  sizes: { tokens, rows: 1, seqs: 1 },
  context: tokens,
})

/** Writes the step into a slab. */
export function fillStep(slab: Int32Array, { slab: at }: StepLayout, { sizes, context }: StepWork): void {
  const each = sizes.tokens / sizes.seqs
  slab.fill(0)
  for (let token = 0; token < sizes.tokens; token++) {
    slab[at.tokenSlot.offset + token] = Math.floor(token / each)
    slab[at.positions.offset + token] = context - each + (token % each)
  }
  for (let seq = 0; seq < sizes.seqs; seq++) {
    slab[at.seqSlot.offset + seq] = seq
    slab[at.seqStart.offset + seq + 1] = (seq + 1) * each
    slab[at.seqContext.offset + seq] = context
    slab[at.logitRows.offset + seq] = (seq + 1) * each - 1
    slab[at.rowSlot.offset + seq] = seq
    slab[at.rowPosition.offset + seq] = context - 1
    slab[at.rowSample.offset + seq] = rowTasks.sample
  }
}

/**
 * Writes deltas that give a slot pages of its own in every pool, as far as there are so many, and ask for no log
 * probabilities.
 */
export function fillSlot(
  slab: Int32Array,
  layout: StepLayout,
  slot: number,
  context: number,
  pages: number[],
): void {
  const { slab: at, state, limits } = layout
  const count = Math.min(layout.maxPages, Math.ceil(context / limits.pageTokens))
  slab.fill(0)
  let [records, words] = [0, 0]
  const add = (to: number, values: ArrayLike<number>) => {
    slab.set([to, values.length, words], at.deltas.offset + 3 * records++)
    slab.set(values, at.deltaData.offset + words)
    words += values.length
  }
  for (const [pool, table] of state.pageTable.entries()) {
    const ids = Int32Array.from({ length: count }, (_, page) => (slot * count + page) % pages[pool]!)
    add(table.offset + slot * table.rowWords, ids)
  }
  add(state.sampling.offset + slot * state.sampling.rowWords + samplingWords.numLogprobs, [-1])
  slab[at.numDeltas.offset] = records
}

/** Room that the limits of a plan must have for these steps. */
export function roomFor(steps: readonly StepWork[]): { sizes: StepSizes; context: number } {
  const most = (of: (step: StepWork) => number) => Math.max(...steps.map(of))
  const sizes = {
    tokens: most(({ sizes }) => sizes.tokens),
    rows: most(({ sizes }) => sizes.rows),
    seqs: most(({ sizes }) => sizes.seqs),
  }
  return { sizes, context: most(({ context }) => context) }
}
