import { type DType, TrtllmError } from '@trtllm/kernels'
import { Dim } from './dim.js'
import { Value } from './value.js'

/**
 * How a weight is stored: a `matrix` in the device's own layout, a row-major `table` that is looked up by row, a
 * `vector` (or a few, one a row), `derived` values computed from the config instead of read from a checkpoint, the
 * `scale` of a quantized matrix, one number for each of its rows, or a `grid` of them, one for each block of it.
 */
export type ParamKind = 'matrix' | 'table' | 'vector' | 'derived' | 'scale' | 'grid'

/** The part of a checkpoint tensor that a param or this rank holds. */
export interface ParamSlice {
  readonly firstRow: number
  readonly rows: number
  /** From one row taken to the next. Default 1. */
  readonly rowStep?: number
  readonly firstColumn: number
  readonly columns: number
}

/** One checkpoint tensor that a param is filled from. A vector of n elements has n rows of one column. */
export interface ParamSource {
  /** Name of the checkpoint tensor. */
  readonly name: string
  /** Shape of the whole checkpoint tensor: [rows, columns], or [rows] for a vector. */
  readonly rows: number
  readonly columns: number
  /** It is one of those that a tensor with one axis more has along its first. */
  readonly stacked?: { readonly index: number; readonly of: number }
  /** It is stored with its axes exchanged, [columns, rows]. */
  readonly turned?: boolean
  /** Row of the param where the first row of this source goes. */
  readonly firstRow: number
  /** Matrix (or vector) of a stack that it goes to. Default 0. */
  readonly matrix?: number
  /** Absent: the whole tensor. */
  readonly slice?: ParamSlice
  /** Added to every element as it is loaded: 1 where a checkpoint keeps `weight - 1`. */
  readonly plus?: number
}

/** A named weight: what it is called, its local size and where its data comes from. Holds no data of a checkpoint. */
export class Param {
  readonly value: Value

  constructor(
    readonly path: string,
    /** A table that is also multiplied with (a tied head) becomes a matrix. */
    public kind: ParamKind,
    readonly dtype: DType,
    readonly rows: number,
    readonly columns: number,
    readonly sources: readonly ParamSource[],
    /** The values of a derived param, row by row. */
    readonly values?: Float32Array,
    /** Path of the matrix that a scale or grid belongs to. */
    readonly scaleOf?: string,
    /** Of a stack: how many matrices (or vectors, or scales) of `rows` x `columns` lie one behind the other. */
    readonly matrices?: number,
  ) {
    const axes = isList(kind, columns) ? [rows] : [rows, columns]
    const shape = (matrices === undefined ? axes : [matrices, ...axes]).map(Dim.of)
    this.value = new Value(path, dtype, shape, { kind: 'param', param: this })
  }

  get shapeText(): string {
    return `[${this.value.shape.join(',')}]`
  }
}

/** Whether a param has one axis. */
const isList = (kind: ParamKind, columns: number): boolean =>
  (kind === 'vector' || kind === 'scale') && columns === 1

/** The params of one trace, by path and in the order of their first use. */
export class ParamTable {
  private readonly byPath = new Map<string, Param>()

  /** The param of that path. Asked again, it is the same one; in another shape or with other data it throws. */
  request(param: Param): Param {
    const known = this.byPath.get(param.path)
    if (!known) {
      this.byPath.set(param.path, param)
      return param
    }
    if (!sameShape(known, param) || !sameSlices(known, param)) {
      throw new TrtllmError(
        'contradictory_config',
        `${param.path}: asked for as ${known.kind} ${known.shapeText} and as ${param.kind} ${param.shapeText}; ` +
          'a weight has one shape',
      )
    }
    if (known.kind !== param.kind) known.kind = sharedKind(known, param)
    return known
  }

  /** A param computed from the config. The same values share one param; others get a numbered path. */
  derive(path: string, rows: number, columns: number, values: Float32Array): Param {
    for (let number = 0; ; number++) {
      const name = number === 0 ? path : `${path}.${number}`
      const known = this.byPath.get(name)
      if (!known) return this.request(new Param(name, 'derived', 'f32', rows, columns, [], values))
      if (known.rows === rows && known.values && sameNumbers(known.values, values)) return known
    }
  }
}

function sharedKind(known: Param, asked: Param): ParamKind {
  const kinds = new Set([known.kind, asked.kind])
  if (kinds.has('matrix') && kinds.has('table')) return 'matrix'
  throw new TrtllmError(
    'contradictory_config',
    `${known.path}: asked for as ${known.kind} and as ${asked.kind}; only a table can be a matrix too`,
  )
}

const sameShape = (a: Param, b: Param): boolean =>
  a.rows === b.rows && a.columns === b.columns && a.matrices === b.matrices

function sameSlices(a: Param, b: Param): boolean {
  return JSON.stringify(a.sources) === JSON.stringify(b.sources)
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]))
}
