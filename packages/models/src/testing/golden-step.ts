import { type StepLayout, wordsPerDelta } from '@trtllm/graph'
import type { GoldenText, Piece } from './golden-run.js'

/**
 * Writes a step of these pieces: text t lives in slot t, whose pages are the t-th run of maxPages in every pool, and
 * its ids and page table are sent anew each time.
 */
export function writeStep(
  slab: Int32Array,
  layout: StepLayout,
  texts: readonly GoldenText[],
  tables: readonly number[],
  pieces: readonly Piece[],
): void {
  writeDeltas(slab, layout, texts)
  const { slab: at } = layout
  const tokens = pieces.flatMap(({ text, from, to }) =>
    Array.from({ length: to - from }, (_, i) => ({ text, position: from + i })),
  )
  const starts = pieces.map((_, i) => pieces.slice(0, i).reduce((sum, { from, to }) => sum + to - from, 0))
  const sections = {
    tokenSlot: tokens.map(({ text }) => text),
    positions: tokens.map(({ position }) => position),
    ropeVariant: tokens.map(({ text }) => tables[text]!),
    seqSlot: pieces.map(({ text }) => text),
    seqStart: [...starts, tokens.length],
    seqContext: pieces.map(({ to }) => to),
    logitRows: tokens.map((_, i) => i),
    rowSlot: tokens.map(({ text }) => text),
    rowPosition: tokens.map(({ position }) => position),
    rowSample: tokens.map(() => 0),
  }
  for (const [name, values] of Object.entries(sections)) {
    slab.set(values, at[name as keyof typeof sections].offset)
  }
}

function writeDeltas(slab: Int32Array, layout: StepLayout, texts: readonly GoldenText[]): void {
  const { slab: at, state, maxPages } = layout
  const writes = texts.flatMap(({ ids }, slot) => {
    const pages = Array.from({ length: maxPages }, (_, page) => slot * maxPages + page)
    return [
      { to: state.slotTokens.offset + slot * state.slotTokens.rowWords, values: ids },
      ...state.pageTable.map(({ offset, rowWords }) => ({ to: offset + slot * rowWords, values: pages })),
    ]
  })
  let source = 0
  for (const [i, { to, values }] of writes.entries()) {
    slab.set([to, values.length, source], at.deltas.offset + i * wordsPerDelta)
    slab.set(values, at.deltaData.offset + source)
    source += values.length
  }
  slab[at.numDeltas.offset] = writes.length
}
