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
  options: ExpertLinearOptions = {},
): Value {
  const names = { weight: m.at('weight').path, bias: m.at('bias').path }
  return fromTensors(m, x, routed, { width, total: width, first: 0, step: 1, names, turned: false }, options)
}

export interface PackedExpertOptions extends ExpertLinearOptions {
  /** Outputs of the linears take turns. Default: those of one behind those of another. */
  readonly interleaved?: boolean | undefined
}

/**
 * Linears of experts whose weights are one tensor [experts, in, outputs] of the name `m` is at, and their biases one of that
 * name and `_bias`: by name and in order. Names are ours: they tell the parts apart in plans.
 */
export function packedExpertLinears<Name extends string>(
  m: Scope,
  x: Value,
  routed: Routed,
  widths: Readonly<Record<Name, number>>,
  { interleaved = false, ...options }: PackedExpertOptions = {},
): Record<Name, Value> {
  const entries = Object.entries(widths) as [Name, number][]
  const total = entries.reduce((sum, [, width]) => sum + width, 0)
  const names = { weight: m.path, bias: `${m.path}_bias` }
  let before = 0
  const parts = entries.map(([name, width], i) => {
    const place = interleaved ? { first: i, step: entries.length } : { first: before, step: 1 }
    before += width
    const part = { width, total, ...place, names, turned: true }
    return [name, fromTensors(m.at(name), x, routed, part, options)]
  })
  return Object.fromEntries(parts) as Record<Name, Value>
}

/** Where in a tensor the outputs of a linear lie: `first`, `first` + `step`, ... of `total`. */
interface Outputs {
  readonly width: number
  readonly total: number
  readonly first: number
  readonly step: number
  readonly names: { readonly weight: string; readonly bias: string }
  readonly turned: boolean
}

function fromTensors(
  m: Scope,
  x: Value,
  routed: Routed,
  { width, total, first, step, names, turned }: Outputs,
  { of = 'tokens', split, bias: hasBias = false, weighted = false }: ExpertLinearOptions,
): Value {
  const { mesh } = m.recorder
  const input = flattened(x)
  const share = shareOf(split === 'out' ? mesh : { size: 1, rank: 0 }, width, m.path)
  const columns = input.rowWidth
  const inputs = split === 'in' ? mesh.size : 1
  const isWhole = share.count === total && inputs === 1
  const rows = { firstRow: first + share.from * step, rows: share.count, ...(step > 1 && { rowStep: step }) }
  const sliceOf = (firstColumn: number, width: number) =>
    isWhole ? {} : { slice: { ...rows, firstColumn, columns: width } }
  const weight = m.stack('weight', routed.numExperts, {
    kind: 'matrix',
    rows: share.count,
    columns,
    source: {
      name: names.weight,
      rows: total,
      columns: columns * inputs,
      ...sliceOf(split === 'in' ? mesh.rank * columns : 0, columns),
      ...(turned && { turned }),
    },
  })
  // Of ranks that each have a share of a sum one adds the bias.
  const bias =
    hasBias && !(split === 'in' && mesh.rank > 0)
      ? m.stack('bias', routed.numExperts, {
          kind: 'vector',
          rows: share.count,
          columns: 1,
          source: { name: names.bias, rows: total, columns: 1, ...(share.count < total && sliceOf(0, 1)) },
        })
      : undefined
  const { order, offsets } = routed
  const operands = { x: input, weight, order, offsets, bias, scale: weighted ? routed.weights : undefined }
  const fanOut = of === 'tokens' ? routed.chosen : 0
  return m.call(ops.expertLinear, operands, { width: share.count, fanOut, gate: 0, limit: 0, alpha: 0 }).y
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
