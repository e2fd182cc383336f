import { type DType, dtypeBytes } from '@trtllm/kernels'
import { aligned } from './arena.js'
import type { Param, ParamKind, ParamSource } from './param.js'
import type { PlanDevice } from './plan-device.js'

/** A param and its place in the one buffer of weights. */
export interface PlacedParam {
  readonly path: string
  readonly dtype: DType
  readonly kind: ParamKind
  /** Local size; a vector of n elements has n rows of one column. */
  readonly rows: number
  readonly columns: number
  /** Of a stack: matrices of that size, one behind the other. */
  readonly matrices?: number
  /** Bytes from the start of the buffer, a multiple of 256. */
  readonly offset: number
  readonly bytes: number
  /** What to fill it from; rows of `firstRow` on, whole where there is no slice. None for a derived param. */
  readonly sources: readonly ParamSource[]
  /** The content of a derived param. */
  readonly values?: Float32Array
  /** Path of the matrix that a scale or grid belongs to: it is written with that matrix. */
  readonly scaleOf?: string
}

export interface WeightLayout {
  readonly params: readonly PlacedParam[]
  readonly bytes: number
}

/** Places params one behind the other; a matrix takes what the device's own layout of it needs. */
export function placeParams(params: readonly Param[], device: PlanDevice): WeightLayout {
  const placed: PlacedParam[] = []
  let offset = 0
  for (const { path, dtype, kind, rows, columns, sources, values, scaleOf, matrices } of params) {
    const each =
      kind === 'matrix' ? device.matrixBytes(dtype, rows, columns) : rows * columns * dtypeBytes[dtype]
    const bytes = each * (matrices ?? 1)
    placed.push({
      path,
      dtype,
      kind,
      rows,
      columns,
      offset,
      bytes,
      sources,
      ...(values && { values }),
      ...(scaleOf !== undefined && { scaleOf }),
      ...(matrices !== undefined && { matrices }),
    })
    offset += aligned(bytes)
  }
  return { params: placed, bytes: offset }
}
