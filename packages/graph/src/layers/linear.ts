import { ops, TrtllmError } from '@trtllm/kernels'
import { headShareOf, type Share, shareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import { flattened, reshaped, type Value } from '../value.js'
import type { Heads } from './heads.js'

export interface LinearOptions {
  /** `out`: each rank computes a share of the width. `in`: each rank holds a share of x, the results are summed. */
  readonly split?: 'out' | 'in' | undefined
  readonly bias?: boolean | undefined
  /** f32 results, of a linear that is not split `in`. */
  readonly precise?: boolean | undefined
}

/**
 * y = x W^T + bias: [tokens, ...] -> [tokens, width], or [tokens, count, size] where the width is `heads`. Throws
 * `contradictory_config` if the split does not divide over the ranks.
 */
export function linear(m: Scope, x: Value, width: number | Heads, options: LinearOptions = {}): Value {
  const { split, bias = false, precise = false } = options
  const input = flattened(x)
  if (split === 'in') return shaped(width, inputSplit(m, input, totalOf(width), bias), undefined)
  return fromOutputs(m, m, input, width, { total: totalOf(width), before: 0 }, split, bias, precise)
}

/**
 * Linears of one x whose weights lie on top of each other in one checkpoint tensor, by name and from the top. Names are
 * ours: they tell the parts apart in plans.
 */
export function stackedLinears<Name extends string>(
  m: Scope,
  x: Value,
  widths: Readonly<Record<Name, number | Heads>>,
  { split, bias = false }: { readonly split?: 'out' | undefined; readonly bias?: boolean | undefined } = {},
): Record<Name, Value> {
  const entries = Object.entries(widths) as [Name, number | Heads][]
  const total = entries.reduce((sum, [, width]) => sum + totalOf(width), 0)
  let before = 0
  const parts = entries.map(([name, width]) => {
    const part = fromOutputs(m, m.at(name), flattened(x), width, { total, before }, split, bias)
    before += totalOf(width)
    return [name, part]
  })
  return Object.fromEntries(parts) as Record<Name, Value>
}

const totalOf = (width: number | Heads): number =>
  typeof width === 'number' ? width : width.count * width.size

function shaped(width: number | Heads, y: Value, share: Share | undefined): Value {
  if (typeof width === 'number') return y
  return reshaped(y, [share?.count ?? width.count, width.size], { copies: share?.copies ?? 1 })
}

function outputShare(m: Scope, width: number | Heads): Share {
  const { mesh } = m.recorder
  return typeof width === 'number' ? shareOf(mesh, width, m.path) : headShareOf(mesh, width.count, m.path)
}

/** Rows of the checkpoint tensor, and how many of them come before those of this linear. */
interface Stack {
  readonly total: number
  readonly before: number
}

/** Rows of the weight are outputs: a share of them needs nothing from other ranks. */
function fromOutputs(
  tensor: Scope,
  m: Scope,
  x: Value,
  width: number | Heads,
  { total, before }: Stack,
  split: 'out' | undefined,
  hasBias: boolean,
  precise = false,
): Value {
  const share = split === 'out' ? outputShare(m, width) : undefined
  const unit = typeof width === 'number' ? 1 : width.size
  const rows = share ? share.count * unit : totalOf(width)
  const firstRow = before + (share ? share.from * unit : 0)
  const param = (name: string, kind: 'matrix' | 'vector', columns: number): Value => {
    const slice = rows === total ? {} : { slice: { firstRow, rows, firstColumn: 0, columns } }
    const source = { name: tensor.at(name).path, rows: total, columns, ...slice }
    return m.param(name, { kind, rows, columns, source })
  }
  const weight = param('weight', 'matrix', x.rowWidth)
  const bias = hasBias ? param('bias', 'vector', 1) : undefined
  const options = precise ? { f32Results: ['y'] } : {}
  return shaped(width, m.call(ops.linear, { x, weight, bias }, {}, options).y, share)
}

/** Columns of the weight are inputs: every rank has a part of each sum. Only rank 0 adds the bias. */
function inputSplit(m: Scope, x: Value, rows: number, hasBias: boolean): Value {
  const { size, rank } = m.recorder.mesh
  if (x.copies > 1) {
    throw new TrtllmError(
      'contradictory_config',
      `${m.path}: ${x.path} is the same on ${x.copies} ranks: as many heads as ranks are needed to split it`,
    )
  }
  const columns = x.rowWidth
  const slice = size === 1 ? {} : { slice: { firstRow: 0, rows, firstColumn: rank * columns, columns } }
  const source = { name: m.at('weight').path, rows, columns: columns * size, ...slice }
  const weight = m.param('weight', { kind: 'matrix', rows, columns, source })
  const biasSource = { name: m.at('bias').path, rows, columns: 1 }
  const bias =
    hasBias && rank === 0
      ? m.param('bias', { kind: 'vector', rows, columns: 1, source: biasSource })
      : undefined
  const { y } = m.call(ops.linear, { x, weight, bias }, {})
  return size === 1 ? y : m.call(ops.allReduce, { x: y }, { ranks: size }).y
}
