import { type DType, TrtllmError } from '@trtllm/kernels'
import { Dim, shapeText } from './dim.js'
import type { Param } from './param.js'
import type { SlabSections, StateSections } from './step-layout.js'

/**
 * What holds a value's bytes. A `view` is a run of columns of another value, reshaped at no cost, or the same run of each
 * of its heads, `headStride` elements apart.
 */
export type Origin =
  | { readonly kind: 'node' }
  | { readonly kind: 'param'; readonly param: Param }
  | { readonly kind: 'slab'; readonly section: keyof SlabSections }
  | { readonly kind: 'state' }
  | {
      readonly kind: 'section'
      readonly of: Value
      readonly section: keyof StateSections
      readonly pool: number
    }
  | { readonly kind: 'cache'; readonly cache: number }
  | { readonly kind: 'view'; readonly of: Value; readonly firstColumn: number; readonly headStride?: number }

/**
 * A symbolic tensor: what it is called, its type and its shape, and no data. Of what nodes make, only the first axis
 * depends on the step. A value is never changed; two are the same if they are the same object.
 */
export class Value {
  constructor(
    readonly path: string,
    readonly dtype: DType,
    readonly shape: readonly Dim[],
    readonly origin: Origin,
    /** Ranks that hold the same part of a split value: above 1 where there are fewer heads than ranks. */
    readonly copies = 1,
  ) {}

  /** Elements from one row (index of the first axis) to the next, if contiguous. */
  get rowWidth(): number {
    let width = 1
    for (let axis = 1; axis < this.shape.length; axis++) width *= this.shape[axis]!.toConstant(this.path)
    return width
  }

  toString(): string {
    return `${this.path} ${this.dtype}${shapeText(this.shape)}`
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw new TrtllmError(
      'invalid_type',
      `${this.path}: a Value has no data while a model is traced, so it cannot be compared or computed with in ` +
        'JavaScript: use a layer, or decide by the config',
    )
  }
}

/** What a view does not take over from the value it is of. */
export interface ViewOptions {
  readonly path?: string
  readonly copies?: number
}

/** Columns [firstColumn, firstColumn + width of `shape`) of `of`, whose first axis they keep. Costs nothing. */
export function viewOf(
  of: Value,
  firstColumn: number,
  shape: readonly Dim[],
  options: ViewOptions = {},
): Value {
  const { path = of.path, copies = of.copies } = options
  const view = new Value(path, of.dtype, shape, { kind: 'view', of, firstColumn }, copies)
  if (isPartOfHeads(of)) {
    throw new TrtllmError('invalid_type', `${path}: ${of} is a part of heads and can only be read as it is`)
  }
  const keepsRows = shape[0] !== undefined && of.shape[0] !== undefined && shape[0].equals(of.shape[0])
  if (!keepsRows || firstColumn + view.rowWidth > of.rowWidth) {
    throw new TrtllmError(
      'invalid_type',
      `${path}: columns ${firstColumn} on as ${shapeText(shape)} are not inside ${shapeText(of.shape)}`,
    )
  }
  return view
}

/** The same elements with all axes but the first joined. */
export const flattened = (value: Value): Value =>
  value.shape.length === 2 ? value : viewOf(value, 0, [value.shape[0]!, Dim.of(value.rowWidth)])

/** The same elements as `axes` behind the first axis. */
export const reshaped = (value: Value, axes: readonly number[], options?: ViewOptions): Value =>
  viewOf(value, 0, [value.shape[0]!, ...axes.map(Dim.of)], options)

/** Columns [firstColumn, firstColumn + width) of x [tokens, columns] -> [tokens, width]. */
export const columnsOf = (x: Value, firstColumn: number, width: number): Value =>
  viewOf(x, firstColumn, [x.shape[0]!, Dim.of(width)])

/** Elements [first, first + size) of each head: [tokens, heads, headDim] -> [tokens, heads, size]. Costs nothing. */
export function partOfHeads(x: Value, first: number, size: number): Value {
  const [rows, heads, width] = x.shape
  const headStride = width?.toConstant(x.path) ?? 0
  if (!rows || !heads || first + size > headStride || isPartOfHeads(x)) {
    throw new TrtllmError(
      'invalid_type',
      `${x}: has no elements ${first} to ${first + size - 1} of each head`,
    )
  }
  if (size === headStride) return x
  const origin = { kind: 'view', of: x, firstColumn: first, headStride } as const
  return new Value(x.path, x.dtype, [rows, heads, Dim.of(size)], origin, x.copies)
}

/** Whether what lies between the heads of `value` is not its own. */
export const isPartOfHeads = ({ origin }: Value): boolean =>
  origin.kind === 'view' && origin.headStride !== undefined

/** The value whose storage `value` is a view of, and the first column of the view in it. */
export function rootOf(value: Value): { readonly root: Value; readonly firstColumn: number } {
  let root = value
  let firstColumn = 0
  while (root.origin.kind === 'view') {
    firstColumn += root.origin.firstColumn
    root = root.origin.of
  }
  return { root, firstColumn }
}
