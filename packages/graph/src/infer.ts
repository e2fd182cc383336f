import { computedSize, type DType, type DTypeRule, type OpSchema, TrtllmError } from '@trtllm/kernels'
import { Dim, shapeText } from './dim.js'
import type { Value } from './value.js'

export interface InferredResult {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly Dim[]
}

/**
 * Checks a call against the schema (operands present, element types, equal named sizes) and gives type and shape of
 * its results. `f32Results` names those asked for in f32. Throws `invalid_type` with the path of the call.
 */
export function inferCall(
  path: string,
  op: OpSchema,
  inputs: readonly (Value | undefined)[],
  attributes: readonly number[],
  f32Results: readonly string[] = [],
): InferredResult[] {
  return new Call(path, op, inputs, attributes).results(f32Results)
}

class Call {
  /** Named sizes, each from the first operand that has it. */
  private readonly sizes = new Map<string | number, Dim>()
  private floatType: DType | undefined

  constructor(
    private readonly path: string,
    private readonly op: OpSchema,
    private readonly inputs: readonly (Value | undefined)[],
    private readonly attributes: readonly number[],
  ) {
    Object.keys(op.inputs).forEach((name, index) => {
      const value = inputs[index]
      if (value) this.bind(name, value)
      else if (!op.inputs[name]!.optional) this.fail(`the input ${name} is missing`)
    })
    Object.keys(op.attributes).forEach((name, index) => {
      if (!Number.isFinite(attributes[index])) this.fail(`${name} is ${attributes[index]}`)
    })
  }

  results(f32Results: readonly string[]): InferredResult[] {
    return Object.entries(this.op.outputs).map(([name, { dims, dtype, orF32 }]) => {
      const isF32 = f32Results.includes(name)
      if (isF32 && !orF32) this.fail(`the result ${name} cannot be f32`)
      return { name, dtype: isF32 ? 'f32' : this.dtypeOf(dtype), shape: dims.map((dim) => this.sizeOf(dim)) }
    })
  }

  private bind(name: string, value: Value): void {
    const { dims, dtype } = this.op.inputs[name]!
    if (value.shape.length !== dims.length) {
      this.fail(`${name} is [${dims.join(',')}], ${value.path} is ${shapeText(value.shape)}`)
    }
    for (let axis = 0; axis < dims.length; axis++) {
      const dim = dims[axis]!
      const size = value.shape[axis]!
      const expected = typeof dim === 'number' ? Dim.of(dim) : (this.sizes.get(dim) ?? this.computed(dim))
      if (!expected) this.sizes.set(dim, size)
      else if (!expected.equals(size)) {
        this.fail(`${name}: ${dim} is ${expected}, but axis ${axis} of ${value.path} is ${size}`)
      }
    }
    this.bindType(name, dtype, value)
  }

  private bindType(name: string, rule: DTypeRule, value: Value): void {
    if (rule === 'cache' && value.dtype === 'f8') return
    if (rule === 'float' || rule === 'cache') {
      if (!['f32', 'f16', 'bf16'].includes(value.dtype))
        this.fail(`${name} is a float, ${value.path} is ${value.dtype}`)
      this.floatType ??= value.dtype
    }
    const expected = this.dtypeOf(rule)
    if (value.dtype !== expected) this.fail(`${name} is ${expected}, ${value.path} is ${value.dtype}`)
  }

  private sizeOf(dim: string | number): Dim {
    if (typeof dim === 'number') return Dim.of(dim)
    return this.named(dim) ?? this.computed(dim) ?? this.fail(`nothing says what ${dim} is`)
  }

  /** A size no operand has is an attribute of that name. */
  private named(name: string): Dim | undefined {
    const size = this.sizes.get(name) ?? this.attributes[Object.keys(this.op.attributes).indexOf(name)]
    return size === undefined ? undefined : Dim.from(size)
  }

  /** `tokens*chosen`, `experts+1`: where the sizes it is of are known. */
  private computed(name: string): Dim | undefined {
    const parts = computedSize(name)
    if (!parts) return undefined
    const of = this.named(parts.of)
    const by = typeof parts.by === 'number' ? Dim.of(parts.by) : this.named(parts.by)
    if (!of || !by) return undefined
    return parts.sign === '+' ? of.plus(by) : of.times(by.toConstant(this.path))
  }

  private dtypeOf(rule: DTypeRule): DType {
    if (rule === 'float' || rule === 'cache')
      return this.floatType ?? this.fail('no input says which float type')
    if (typeof rule === 'string') return rule
    const input = this.inputs[Object.keys(this.op.inputs).indexOf(rule.like)]
    return input?.dtype ?? this.fail(`${rule.like} is not among the inputs`)
  }

  private fail(sentence: string): never {
    throw new TrtllmError('invalid_type', `${this.path}: ${this.op.name}: ${sentence}`)
  }
}
