import { ops } from '@trtllm/kernels'
import { shareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

export interface LmHeadOptions {
  /** Scope of the embedding whose weight this is too, undefined if the head has its own. */
  readonly tiedTo?: string | undefined
}

/**
 * Logits of each row: [rows, width] -> f32[rows, vocabulary]. Split over the vocabulary and gathered, where it divides
 * over the ranks. One rank shares a tied weight with the embedding; of several, each keeps its rows of it once more,
 * because the embedding holds them all.
 */
export function lmHead(m: Scope, x: Value, vocabSize: number, { tiedTo }: LmHeadOptions = {}): Value {
  const { mesh } = m.recorder
  const isSplit = mesh.size > 1 && vocabSize % mesh.size === 0
  const share = shareOf(isSplit ? mesh : { size: 1, rank: 0 }, vocabSize, m.path)
  const columns = x.rowWidth
  const ownName = m.at('weight').path
  const name = tiedTo === undefined ? ownName : `${tiedTo}.weight`
  const slice = isSplit ? { slice: { firstRow: share.from, rows: share.count, firstColumn: 0, columns } } : {}
  const source = { name, rows: vocabSize, columns, ...slice }
  const weight = m.weightAt(isSplit ? ownName : name, { kind: 'matrix', rows: share.count, columns, source })
  const { y } = m.call(ops.linear, { x, weight, bias: undefined }, {}, { f32Results: ['y'] })
  return isSplit ? m.call(ops.allGather, { x: y }, { ranks: mesh.size, whole: vocabSize }).y : y
}
