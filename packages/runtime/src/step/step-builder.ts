import type { StepLayout } from '@trtllm/graph'
import { rowTasks } from '@trtllm/kernels'
import type { KvCache } from '../cache/kv-cache.js'
import type { EngineModel } from '../compiled-model.js'
import type { SamplingWords } from '../sampling/sampling-record.js'
import type { Work } from '../scheduler/batch.js'
import type { ScheduledStep } from '../scheduler/scheduler.js'
import { type Sequence, tokenAt } from '../scheduler/sequence.js'
import { DeltaWriter } from './delta-writer.js'
import type { StepCall, WantedLogits } from './step-executor.js'

/** What the step builder writes for a sequence beside its tokens. */
export interface SlotSetup {
  readonly sampling: SamplingWords
  /** Rope table that the tokens of this sequence use. */
  readonly ropeVariant: number
  /** What is done with the row of its last position, see `rowTasks`. */
  readonly lastTask: number
  /** Candidates to read of that row; undefined: no log probabilities at all. */
  readonly numLogprobs: number | undefined
  /** The same of rows of prompt positions, which are then scored by the token behind them. */
  readonly numPromptLogprobs: number | undefined
  /** Whether the logits of prompt positions, and those of the last position, are wanted. */
  readonly promptLogits: boolean
  readonly lastLogits: boolean
}

/** How much of a slab a step uses, and which logits the host wants of it. */
export type BuiltStep = Pick<StepCall, 'tokens' | 'rows' | 'seqs' | 'logits'>

/**
 * Writes a scheduled step into a slab: per-token, per-sequence and per-row sections, and as deltas only what the
 * device cannot know: prompt tokens, new pages, sampling records and lists.
 */
export function buildStep(
  slab: Int32Array,
  { layout, vocabSize }: Pick<EngineModel, 'layout' | 'vocabSize'>,
  cache: KvCache,
  step: ScheduledStep,
  setupOf: (sequence: Sequence) => SlotSetup,
): BuiltStep {
  const deltas = new DeltaWriter(slab, layout)
  const logits: WantedLogits[] = []
  const want = (firstRow: number, rows: number) => {
    if (rows > 0) logits.push({ firstRow, rows, into: new Float32Array(rows * vocabSize) })
  }
  const at = layout.slab
  let token = 0
  let row = 0
  let seq = 0
  for (const work of step.work) {
    const { sequence, start, tokens, rows, samples, contextRows } = work
    const { slot, promptIds } = sequence
    const setup = setupOf(sequence)
    writeDeltas(deltas, layout, cache, work, setup)
    slab[at.seqSlot.offset + seq] = slot
    slab[at.seqStart.offset + seq] = token
    slab[at.seqContext.offset + seq] = start + tokens
    slab.fill(slot, at.tokenSlot.offset + token, at.tokenSlot.offset + token + tokens)
    slab.fill(setup.ropeVariant, at.ropeVariant.offset + token, at.ropeVariant.offset + token + tokens)
    for (let i = 0; i < tokens; i++) slab[at.positions.offset + token + i] = start + i
    for (let i = 0; i < rows; i++) {
      const position = rowPosition(work, i)
      slab[at.logitRows.offset + row] = token + position - start
      slab[at.rowSlot.offset + row] = slot
      slab[at.rowPosition.offset + row] = position
      const isLast = samples && i === rows - 1
      const scores = setup.numPromptLogprobs !== undefined && !isLast
      slab[at.rowSample.offset + row] = isLast ? setup.lastTask : scores ? rowTasks.score : rowTasks.none
      if (scores) slab[at.rowTarget.offset + row] = promptIds[position + 1]!
      row++
    }
    if (setup.promptLogits) want(row - rows, contextRows)
    if (setup.lastLogits && samples) want(row - 1, 1)
    token += tokens
    seq++
  }
  slab[at.seqStart.offset + seq] = token
  deltas.close()
  return { tokens: token, rows: row, seqs: seq, ...(logits.length > 0 && { logits }) }
}

/** Position of a work item's logits row: context rows first, the sampled position last. */
export function rowPosition(work: Work, row: number): number {
  const { sequence, start, tokens, contextRows } = work
  const end = start + tokens
  if (row < contextRows) return Math.min(end, sequence.promptIds.length) - contextRows + row
  return end - 1
}

function writeDeltas(
  deltas: DeltaWriter,
  layout: StepLayout,
  cache: KvCache,
  work: Work,
  setup: SlotSetup,
): void {
  const { state } = layout
  const { sequence, start, tokens, deliverFrom, newPages, reusedPages, firstNewPage } = work
  const { slot } = sequence
  const numPages = reusedPages + newPages
  if (work.sendsSetup) {
    deltas.write(state.sampling.offset + slot * state.sampling.rowWords, setup.sampling.record)
    for (const { offset, words } of setup.sampling.lists) {
      deltas.write(state.lists.offset + slot * state.lists.rowWords + offset, words)
    }
  }
  if (numPages > 0) {
    for (let index = 0; index < cache.pools.length; index++) {
      const section = state.pageTable[index]!
      const at = deltas.open(section.offset + slot * section.rowWords + firstNewPage, numPages)
      const pages = cache.slot(slot).tables[index]!
      writeInto(deltas.slab, at, numPages, (i) => pages[firstNewPage + i]!)
    }
  }
  const delivered = start + tokens - deliverFrom
  if (delivered > 0) {
    const at = deltas.open(
      state.slotTokens.offset + slot * state.slotTokens.rowWords + deliverFrom,
      delivered,
    )
    writeInto(deltas.slab, at, delivered, (i) => tokenAt(sequence, deliverFrom + i))
  }
}

function writeInto(slab: Int32Array, at: number, count: number, wordAt: (index: number) => number): void {
  for (let i = 0; i < count; i++) slab[at + i] = wordAt(i)
}
