import { type DType, listWordsPerSlot, samplingWordsPerSlot } from '@trtllm/kernels'
import { Dim } from './dim.js'
import { type SlabSections, type StateSections, wordsPerCopy, wordsPerDelta } from './step-layout.js'
import { Value } from './value.js'

/** What a model function is given: the inputs of one step. */
export interface StepValues {
  /** Ids, i32[tokens]. */
  readonly tokens: Value
  /** Where each token stands in its sequence, i32[tokens]. */
  readonly positions: Value
  /** The tokens whose logits are wanted, i32[rows]. */
  readonly logitRows: Value
}

/** The step as layers see it: also where sequences and their state are. */
export interface StepState extends StepValues {
  /** i32[tokens] each. */
  readonly tokenSlot: Value
  readonly ropeVariant: Value
  /** i32[seqs], i32[seqs+1], i32[seqs]. */
  readonly seqSlot: Value
  readonly seqStart: Value
  readonly seqContext: Value
  /** i32[rows] each. */
  readonly rowSlot: Value
  readonly rowPosition: Value
  readonly rowSample: Value
  readonly rowTarget: Value
  /** State after this step's deltas: i32[slots, ...]. */
  readonly slotTokens: Value
  readonly sampling: Value
  readonly lists: Value
  pageTable(pool: number): Value
}

const symbol = Dim.symbol

/** Shape of each section of the slab. */
export const slabShapes: Readonly<Record<keyof SlabSections, readonly Dim[]>> = {
  numDeltas: [Dim.of(1)],
  deltas: [symbol('maxDeltas'), Dim.of(wordsPerDelta)],
  deltaData: [symbol('deltaWords')],
  tokenSlot: [symbol('tokens')],
  positions: [symbol('tokens')],
  ropeVariant: [symbol('tokens')],
  seqSlot: [symbol('seqs')],
  seqStart: [symbol('seqs').plus(1)],
  seqContext: [symbol('seqs')],
  logitRows: [symbol('rows')],
  rowSlot: [symbol('rows')],
  rowPosition: [symbol('rows')],
  rowSample: [symbol('rows')],
  rowTarget: [symbol('rows')],
  numCopies: [Dim.of(1)],
  copies: [symbol('maxCopies'), Dim.of(wordsPerCopy)],
}

/** Shape of each section of the slot state. */
const stateShapes: Readonly<Record<keyof StateSections, readonly Dim[]>> = {
  slotTokens: [symbol('slots'), symbol('slotLength')],
  pageTable: [symbol('slots'), symbol('maxPages')],
  sampling: [symbol('slots'), Dim.of(samplingWordsPerSlot)],
  lists: [symbol('slots'), Dim.of(listWordsPerSlot)],
}

export const slabValue = (section: keyof SlabSections): Value =>
  new Value(`step.${section}`, 'i32', slabShapes[section], { kind: 'slab', section })

/** The slot state as the step finds it, before its deltas. */
export const stateValue = (): Value => new Value('slots', 'i32', [symbol('stateWords')], { kind: 'state' })

/** A section of a version of the slot state. */
export function sectionValue(of: Value, section: keyof StateSections, pool = 0): Value {
  const path = section === 'pageTable' ? `slots.pageTable.${pool}` : `slots.${section}`
  return new Value(path, 'i32', stateShapes[section], { kind: 'section', of, section, pool })
}

/** A cache as the step finds it, in pages of the axes `page`. */
export function cacheValue(path: string, cache: number, dtype: DType, page: readonly number[]): Value {
  return new Value(path, dtype, [symbol('pages'), ...page.map(Dim.of)], { kind: 'cache', cache })
}
