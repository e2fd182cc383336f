import { ops } from '@trtllm/kernels'
import { shareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import { flattened, type Value } from '../value.js'
import type { Routed } from './route.js'

export interface ExpertLinearOptions {
  /** What a row of x belongs to: a token, which its experts share, or a pair of one of them and an expert. Default tokens. */
  readonly of?: 'tokens' | 'pairs' | undefined
  /** `out`: each rank computes a share of the width. `in`: each rank holds a share of x and of each sum. */
  readonly split?: 'out' | 'in' | undefined
  readonly bias?: boolean | undefined
  /** Multiply x by the weight that its router gave the expert. */
  readonly weighted?: boolean | undefined
}

/**
 * y = x W^T + bias with the weight of each chosen expert: [tokens, in] or [pairs, in] -> [pairs, width], pairs in the order
 * of experts. `{e}` in the path of `m` stands for the number of an expert. A share of a sum stays one: see combineExperts.
 */
export function expertLinear(
  m: Scope,
  x: Value,
  routed: Routed,
  width: number,
  { of = 'tokens', split, bias: hasBias = false, weighted = false }: ExpertLinearOptions = {},
): Value {
  const { size, rank } = m.recorder.mesh
  const input = flattened(x)
  const { from, count: rows } = shareOf(
    split === 'out' ? m.recorder.mesh : { size: 1, rank: 0 },
    width,
    m.path,
  )
  const columns = input.rowWidth
  const isPart = size > 1 && split !== undefined
  const slice = isPart
    ? { slice: { firstRow: from, rows, firstColumn: split === 'in' ? rank * columns : 0, columns } }
    : {}
  const whole = { rows: width, columns: split === 'in' ? columns * size : columns }
  const source = { name: m.at('weight').path, ...whole, ...slice }
  const weight = m.stack('weight', routed.numExperts, { kind: 'matrix', rows, columns, source })
  // Of ranks that each have a share of a sum one adds the bias.
  const bias = hasBias && !(split === 'in' && rank > 0) ? biasOf(m, routed, width, from, rows) : undefined
  const { order, offsets } = routed
  const inputs = { x: input, weight, order, offsets, bias, scale: weighted ? routed.weights : undefined }
  const fanOut = of === 'tokens' ? routed.chosen : 0
  return m.call(ops.expertLinear, inputs, { width: rows, fanOut, gate: 0, limit: 0, alpha: 0 }).y
}

function biasOf(m: Scope, { numExperts }: Routed, whole: number, firstRow: number, rows: number): Value {
  const slice = rows === whole ? {} : { slice: { firstRow, rows, firstColumn: 0, columns: 1 } }
  const source = { name: m.at('bias').path, rows: whole, columns: 1, ...slice }
  return m.stack('bias', numExperts, { kind: 'vector', rows, columns: 1, source })
}

export interface CombineOptions {
  /** Multiply each expert's row by its weight. Default yes. */
  readonly weighted?: boolean | undefined
  /** `in`: x is a share of each sum, as `expertLinear` of that split gives it; ranks add theirs up. */
  readonly split?: 'in' | undefined
}

/** The sum of each token's rows: [pairs, width] -> [tokens, width]. */
export function combineExperts(
  m: Scope,
  x: Value,
  { place, weights }: Routed,
  { weighted = true, split }: CombineOptions = {},
): Value {
  const { y } = m.call(ops.combineExperts, { x, place, weights: weighted ? weights : undefined }, {})
  const { size } = m.recorder.mesh
  return split === 'in' && size > 1 ? m.call(ops.allReduce, { x: y }, { ranks: size }).y : y
}
