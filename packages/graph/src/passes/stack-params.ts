import { Param, type ParamSource } from '../param.js'
import type { Value } from '../value.js'

/** A weight with the rows of all, in order; of stacks of matrices, one with the rows of each matrix. */
export function stackParams(weights: readonly Value[]): Value {
  const params = weights.map(paramOf)
  const sources: ParamSource[] = []
  let rows = 0
  for (const param of params) {
    for (const source of param.sources) sources.push({ ...source, firstRow: source.firstRow + rows })
    rows += param.rows
  }
  const { kind, dtype, columns, matrices } = params[0]!
  const path = joinedPath(params.map((param) => param.path))
  return new Param(path, kind, dtype, rows, columns, sources, undefined, undefined, matrices).value
}

function paramOf(value: Value): Param {
  if (value.origin.kind !== 'param') throw new Error(`${value.path} is not a param`)
  return value.origin.param
}

/** `mlp.gate_proj.weight` and `mlp.up_proj.weight` -> `mlp.{gate_proj,up_proj}.weight` */
export function joinedPath(paths: readonly string[]): string {
  const split = paths.map((path) => path.split('.'))
  const shortest = Math.min(...split.map((parts) => parts.length))
  const agree = (indexIn: (parts: string[]) => number): boolean =>
    split.every((parts) => parts[indexIn(parts)] === split[0]![indexIn(split[0]!)])
  let before = 0
  while (before < shortest - 1 && agree(() => before)) before++
  let after = 0
  while (after < shortest - before - 1 && agree((parts) => parts.length - 1 - after)) after++
  const middles = split.map((parts) => parts.slice(before, parts.length - after).join('.'))
  const [head, tail] = [split[0]!.slice(0, before), after === 0 ? [] : split[0]!.slice(-after)]
  return [...head, `{${middles.join(',')}}`, ...tail].join('.')
}
