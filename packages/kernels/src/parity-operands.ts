import type { OpCase, OperandSchema, OpSchema, ResultSchema } from './define-op.js'
import { type DType, dtypeBytes } from './dtype.js'
import { sizeNamed } from './named-size.js'

/** Elements between the end of a row and the next one where a case runs with padded rows. */
const rowPadding = 32

/** One operand of a case: where its elements lie and, for inputs, what they are. */
export interface CaseOperand {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Elements from one entry of the first axis to the next; the axes after it are contiguous. */
  readonly rowStride: number
  readonly weight: boolean
  /** Values in row-major order without padding; absent for results. */
  readonly values?: Float32Array | Int32Array
}

export interface CaseOperands {
  readonly operands: readonly CaseOperand[]
  /** Indices into `operands` in schema order, inputs then outputs; -1 is an absent optional input. */
  readonly order: readonly number[]
  /** Indices of the operands to compare. */
  readonly results: readonly number[]
}

/** Uniform numbers in [0, 1), a fixed function of the name (FNV-1a seed, xorshift32 steps). */
export function namedRandom(name: string): () => number {
  let state = 0x811c9dc5
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
  state ||= 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)

function shapeOf(schema: OpSchema, opCase: OpCase, operand: OperandSchema): number[] {
  return operand.dims.map((dim) => {
    const size = typeof dim === 'number' ? dim : sizeNamed(dim, (name) => opCase.dims[name])
    if (size === undefined) {
      throw new Error(`case '${opCase.name}' of op '${schema.name}' does not give the size '${String(dim)}'`)
    }
    return size
  })
}

/** Operands of a case. `padded` spreads the rows of float tensors, as views into a wider row are. */
export function caseOperands(schema: OpSchema, opCase: OpCase, padded: boolean): CaseOperands {
  const random = namedRandom(`${schema.name} ${opCase.name}`)
  const made = schema.makeInputs?.(opCase, random) ?? {}
  const operands: CaseOperand[] = []
  const order: number[] = []
  const results: number[] = []
  const inputs = new Map<string, number>()

  const place = (name: string, operand: OperandSchema, dtype: DType, values?: Float32Array | Int32Array) => {
    const shape = shapeOf(schema, opCase, operand)
    const row = elements(shape.slice(1))
    const spread = padded && operand.role === undefined && shape.length > 1 && isFloatRule(operand)
    operands.push({
      name,
      dtype,
      shape,
      rowStride: spread ? row + rowPadding : row,
      weight: operand.role === 'weight',
      ...(values && { values }),
    })
    return operands.length - 1
  }

  for (const [name, operand] of Object.entries(schema.inputs)) {
    if (opCase.without?.includes(name)) {
      order.push(-1)
      continue
    }
    const dtype = inputType(operand, opCase, inputs, operands)
    const count = elements(shapeOf(schema, opCase, operand))
    const values = made[name] ?? randomValues(schema, name, dtype, count, random)
    if (values.length !== count) {
      throw new Error(`input '${name}' of op '${schema.name}' has ${values.length} values, expected ${count}`)
    }
    inputs.set(name, place(name, operand, dtype, values))
    order.push(inputs.get(name) ?? -1)
  }
  for (const [name, result] of Object.entries(schema.outputs) as [string, ResultSchema][]) {
    const updated = result.updates === undefined ? undefined : inputs.get(result.updates)
    const at = updated ?? place(name, result, resultType(name, result, opCase, inputs, operands))
    order.push(at)
    results.push(at)
  }
  return { operands, order, results }
}

function isFloatRule({ dtype }: OperandSchema): boolean {
  return dtype === 'float' || typeof dtype === 'object'
}

function inputType(
  { dtype }: OperandSchema,
  opCase: OpCase,
  inputs: ReadonlyMap<string, number>,
  operands: readonly CaseOperand[],
): DType {
  if (typeof dtype === 'object') return operands[inputs.get(dtype.like) ?? -1]?.dtype ?? 'f32'
  if (dtype === 'cache') return opCase.cacheDtype ?? opCase.dtype
  return dtype === 'float' ? opCase.dtype : dtype
}

function resultType(
  name: string,
  result: ResultSchema,
  opCase: OpCase,
  inputs: ReadonlyMap<string, number>,
  operands: readonly CaseOperand[],
): DType {
  if (result.orF32 && opCase.f32Results?.includes(name)) return 'f32'
  return inputType(result, opCase, inputs, operands)
}

function randomValues(schema: OpSchema, name: string, dtype: DType, count: number, random: () => number) {
  if (dtype === 'i32' || dtype === 'u8') {
    throw new Error(`op '${schema.name}' has an integer input '${name}': its makeInputs must give the values`)
  }
  return Float32Array.from({ length: count }, () => 2 * random() - 1)
}

/** Bytes of a strided operand, padding of the last row left out. */
export function operandBytes({ shape, rowStride, dtype }: CaseOperand): number {
  const rows = shape[0] ?? 1
  return rows === 0 ? 0 : ((rows - 1) * rowStride + elements(shape.slice(1))) * dtypeBytes[dtype]
}

/** `values` spread to the row stride of their operand; the padding is NaN or -1, which no op may read. */
export function spreadValues(operand: CaseOperand): Float32Array | Int32Array {
  const { values = new Float32Array(0), shape, rowStride } = operand
  const row = elements(shape.slice(1))
  if (row === rowStride) return values
  const count = operandBytes(operand) / dtypeBytes[operand.dtype]
  const spread =
    values instanceof Int32Array ? new Int32Array(count).fill(-1) : new Float32Array(count).fill(NaN)
  for (let r = 0; r * rowStride < count; r++)
    spread.set(values.subarray(r * row, (r + 1) * row), r * rowStride)
  return spread
}

const word = new DataView(new ArrayBuffer(4))

function f16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function bf16Value(half: number): number {
  word.setUint32(0, half << 16)
  return word.getFloat32(0)
}

function f8Value(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1
  const exponent = (byte >> 3) & 15
  const fraction = byte & 7
  if (exponent === 15 && fraction === 7) return Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (1 + fraction / 8) * 2 ** (exponent - 7)
}

/** The elements of an operand as numbers, row-major, padding left out. */
export function decodeOperand(operand: CaseOperand, bytes: Uint8Array): Float64Array {
  const { dtype, shape, rowStride } = operand
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const row = elements(shape.slice(1))
  const read = (at: number) => {
    if (dtype === 'f32') return view.getFloat32(at * 4, true)
    if (dtype === 'i32') return view.getInt32(at * 4, true)
    if (dtype === 'u8') return view.getUint8(at)
    if (dtype === 'i8') return view.getInt8(at)
    if (dtype === 'f8') return f8Value(view.getUint8(at))
    const half = view.getUint16(at * 2, true)
    return dtype === 'f16' ? f16Value(half) : bf16Value(half)
  }
  const out = new Float64Array(elements(shape))
  for (let i = 0; i < out.length; i++) out[i] = read(Math.floor(i / row) * rowStride + (i % row))
  return out
}

/**
 * Largest difference relative to max(1, |expected|). Integers must be equal, and so must NaN and infinities: else the
 * error is Infinity.
 */
export function largestError(dtype: DType, actual: Float64Array, expected: Float64Array): number {
  let largest = 0
  const exact = dtype === 'i32' || dtype === 'u8'
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] ?? Number.NaN
    const b = expected[i] ?? Number.NaN
    if (Object.is(a, b) || a === b) continue
    const error = exact ? Number.POSITIVE_INFINITY : Math.abs(a - b) / Math.max(1, Math.abs(b))
    largest = Math.max(largest, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error)
    if (largest === Number.POSITIVE_INFINITY) break
  }
  return largest
}
