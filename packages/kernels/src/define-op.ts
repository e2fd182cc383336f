import type { CacheDType, DType, FloatDType } from './dtype.js'

/**
 * Element type of an operand: fixed, the op's float type (`float`), what caches are kept in (`cache`: that float type or
 * f8), or the same as a named input.
 */
export type DTypeRule = DType | 'float' | 'cache' | { readonly like: string }

/**
 * An operand of an op. `dims` name its axes: equal names must have equal sizes across the whole op, a number is a fixed
 * size, and `tokens*chosen` or `experts+1` is computed from sizes of those names (see named-size.ts). `role` tells the compiler where the operand lives: `weight` is a matrix the backend may pack,
 * `state` is a device-resident buffer that outlives a step, `tensor` is everything else.
 */
export interface OperandSchema {
  readonly dims: readonly (string | number)[]
  readonly dtype: DTypeRule
  readonly role?: 'weight' | 'state'
  readonly optional?: boolean
}

/** A result of an op. `updates` names the input whose storage it is; `orF32` lets the graph ask for f32 instead. */
export interface ResultSchema extends OperandSchema {
  readonly updates?: string
  readonly orF32?: boolean
}

/** One concrete call of an op: sizes of its named dims, the float type, attributes and how to fill its inputs. */
export interface OpCase {
  readonly name: string
  readonly dims: Readonly<Record<string, number>>
  readonly dtype: FloatDType
  /** Type of caches. Default: `dtype`. */
  readonly cacheDtype?: CacheDType
  readonly attributes?: Readonly<Record<string, number>>
  /** Optional inputs to leave out. */
  readonly without?: readonly string[]
  /** Results to ask for in f32 (see `orF32`). */
  readonly f32Results?: readonly string[]
}

/** `factor` is an f32 that changes nothing where it is 1; plan texts leave it out there. */
export type AttributeKind = 'f32' | 'i32' | 'factor'

/** Bytes moved and floating-point operations done, for roofline bounds. */
export interface OpCost {
  readonly bytes: number
  readonly flops: number
}

export interface OpSchema {
  readonly name: string
  readonly summary: string
  readonly inputs: Readonly<Record<string, OperandSchema>>
  readonly outputs: Readonly<Record<string, ResultSchema>>
  readonly attributes: Readonly<Record<string, AttributeKind>>
  /**
   * `dims` has the sizes by name; of a step also `context`, how many positions a query sees at most, and `askedRows`, for
   * how many logits rows anything is asked beyond a sample. Caches take `cacheBytes` an element (by default those of the
   * float type).
   */
  readonly cost: (dims: Readonly<Record<string, number>>, elementBytes: number, cacheBytes?: number) => OpCost
  readonly cases: readonly OpCase[]
  /** Largest |difference| from the f32 reference, relative to max(1, |reference|), per float type, and with f8 caches. */
  readonly tolerance: Readonly<Record<FloatDType, number>> & { readonly f8?: number }
  /** Values of the inputs that random floats cannot stand for (indices, tables). Keys are input names. */
  readonly makeInputs?: (
    opCase: OpCase,
    random: () => number,
  ) => Readonly<Record<string, Int32Array | Float32Array>>
}

/** Declares an op. Attribute order is ABI: native code receives attributes as doubles in this order. */
export function defineOp<const S extends OpSchema>(schema: S): S {
  return schema
}

export const tensor = (...dims: (string | number)[]): OperandSchema => ({ dims, dtype: 'float' })
export const weight = (...dims: (string | number)[]): OperandSchema => ({
  dims,
  dtype: 'float',
  role: 'weight',
})
export const state = (dtype: DTypeRule, ...dims: (string | number)[]): OperandSchema => ({
  dims,
  dtype,
  role: 'state',
})
export const i32 = (...dims: (string | number)[]): OperandSchema => ({ dims, dtype: 'i32' })
export const f32 = (...dims: (string | number)[]): OperandSchema => ({ dims, dtype: 'f32' })
export const optional = <T extends OperandSchema>(operand: T): T & { readonly optional: true } => ({
  ...operand,
  optional: true,
})
export const like = (input: string, ...dims: (string | number)[]): ResultSchema => ({
  dims,
  dtype: { like: input },
})
export const updated = (input: string, ...dims: (string | number)[]): ResultSchema => ({
  dims,
  dtype: { like: input },
  role: 'state',
  updates: input,
})
