import type { OpSchema } from '@trtllm/kernels'
import { Param, type ParamKind, type ParamSource } from './param.js'
import type { AttributesOf, CallOptions, InputsOf, Recorder, ResultsOf } from './recorder.js'
import type { Value } from './value.js'

/** What a layer says about a weight below its scope. */
export interface ParamRequest {
  readonly kind: Exclude<ParamKind, 'derived'>
  /** Local size; a vector of n elements has n rows of one column. */
  readonly rows: number
  readonly columns: number
  readonly source: Omit<ParamSource, 'firstRow'>
  /** Kept in f32 whatever type the model has. */
  readonly precise?: boolean
}

/** Where in the checkpoint a model function is. Paths of scopes are names of checkpoint tensors. */
export class Scope {
  constructor(
    readonly path: string,
    /** For layers: what is written down. Models leave it alone. */
    readonly recorder: Recorder,
  ) {}

  /** The scope `path` below this one; dots go several levels down. */
  at(path: string): Scope {
    return new Scope(this.path === '' ? path : `${this.path}.${path}`, this.recorder)
  }

  /** The scopes `path.0` to `path.{count - 1}`. */
  *each(path: string, count: number): Generator<Scope, void, undefined> {
    for (let index = 0; index < count; index++) yield this.at(`${path}.${index}`)
  }

  /** The scopes `path.0`, `path.1`, ..., each with its item. */
  *along<Item>(path: string, items: readonly Item[]): Generator<[Scope, Item], void, undefined> {
    for (const [index, item] of items.entries()) yield [this.at(`${path}.${index}`), item]
  }

  /** The weight `name` of this scope, for layers. Asked twice it is the same value. */
  param(name: string, request: ParamRequest): Value {
    return this.weightAt(this.at(name).path, request)
  }

  /** The weight of that whole path, for layers that share one with another scope. */
  weightAt(path: string, { kind, rows, columns, source, precise = false }: ParamRequest): Value {
    const { params } = this.recorder
    const dtype = precise ? 'f32' : this.recorder.dtype
    return params.request(new Param(path, kind, dtype, rows, columns, [{ ...source, firstRow: 0 }])).value
  }

  /**
   * A stack of weights, for layers: [count, rows, columns] of a matrix, [count, rows] of a vector. `{e}` in the name of the
   * source stands for their numbers; without it the source is one tensor that has them along its first axis.
   */
  stack(name: string, count: number, { kind, rows, columns, source, precise = false }: ParamRequest): Value {
    const path = this.at(name).path
    const sources = Array.from({ length: count }, (_, e): ParamSource => {
      const name = source.name.replace('{e}', String(e))
      const stacked = name === source.name && { stacked: { index: e, of: count } }
      return { ...source, firstRow: 0, matrix: e, name, ...stacked }
    })
    const { params } = this.recorder
    const dtype = precise ? 'f32' : this.recorder.dtype
    return params.request(new Param(path, kind, dtype, rows, columns, sources, undefined, undefined, count))
      .value
  }

  /** Records a call of an op here, for layers. */
  call<const S extends OpSchema>(
    op: S,
    inputs: InputsOf<S>,
    attributes: AttributesOf<S>,
    options?: CallOptions,
  ): ResultsOf<S> {
    return this.recorder.call(this.path, op, inputs, attributes, options)
  }
}
