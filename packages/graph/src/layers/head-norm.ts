import { ops } from '@trtllm/kernels'
import { headShareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'
import type { Heads } from './heads.js'
import { type NormWeight, normWeight } from './norm-weight.js'

/** The rms norm of each head by itself, with one weight for all of them: [tokens, heads, headDim] -> the same. */
export function headRmsNorm(m: Scope, x: Value, epsilon: number, options: NormWeight = {}): Value {
  const weight = normWeight(m, x.shape[2]!.toConstant(m.path), options)
  return m.call(ops.headRmsNorm, { x, weight }, { eps: epsilon }).y
}

/** The rms norm of each head by itself without a weight: [tokens, heads, headDim] -> the same. */
export const plainHeadRmsNorm = (m: Scope, x: Value, epsilon: number): Value =>
  m.call(ops.headRmsNorm, { x, weight: undefined }, { eps: epsilon }).y

/**
 * The layer norm of each head by itself, each with a weight of its own: [tokens, heads, headDim] -> the same. `whole`
 * are the heads of all ranks, which the checkpoint's weight [heads, headDim] has.
 */
export function headLayerNorm(m: Scope, x: Value, whole: Heads, epsilon: number): Value {
  const { count: rows, size: columns } = whole
  const share = headShareOf(m.recorder.mesh, rows, m.path)
  const slice =
    share.count === rows
      ? {}
      : { slice: { firstRow: share.from, rows: share.count, firstColumn: 0, columns } }
  const source = { name: m.at('weight').path, rows, columns, ...slice }
  const weight = m.param('weight', { kind: 'vector', rows: share.count, columns, source, precise: true })
  return m.call(ops.headLayerNorm, { x, weight }, { eps: epsilon }).y
}
