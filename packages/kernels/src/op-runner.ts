import type { Buffer } from './buffer.js'
import type { OpCase, OpSchema } from './define-op.js'
import type { Device } from './device.js'
import { Executor } from './executor.js'
import {
  type CaseOperand,
  type CaseOperands,
  caseOperands,
  decodeOperand,
  operandBytes,
  spreadValues,
} from './parity-operands.js'
import { type OperandSpec, Plan, type PlanSpec } from './plan.js'
import { StepRing } from './step-ring.js'

const constant = (size: number) => ({ constant: size, tokens: 0, rows: 0, seqs: 0 })

/** Runs single op calls on one device, each as a plan of one node. */
export class OpRunner implements Disposable {
  readonly #device: Device
  readonly #ring: StepRing
  readonly #executor: Executor
  readonly #deterministic: boolean

  /** `deterministic`: by kernels whose rows have fixed bits, see `PlanSpec`. */
  constructor(device: Device, deterministic = false) {
    this.#device = device
    this.#deterministic = deterministic
    this.#ring = StepRing.create(device, { slabWords: 64, resultWords: 64, depth: 1 })
    this.#executor = Executor.create(device, this.#ring)
  }

  [Symbol.dispose](): void {
    this.#executor[Symbol.dispose]()
    this.#ring[Symbol.dispose]()
  }

  /** The values of each result of the case, in the order of `operands.results`. Rejects when the op fails. */
  async run(
    schema: OpSchema,
    opCase: OpCase,
    { operands, order, results }: CaseOperands = caseOperands(schema, opCase, false),
  ): Promise<Float64Array[]> {
    const buffers: Buffer[] = []
    try {
      for (const operand of operands) buffers.push(this.#upload(operand))
      const spec: PlanSpec = {
        limits: { tokens: 1, rows: 1, seqs: 1 },
        arenaBytes: 0,
        deterministic: this.#deterministic,
        operands: operands.map((operand, i) => this.#operandSpec(operand, buffers[i])),
        nodes: [
          {
            op: schema.name,
            operands: [...order],
            attributes: Object.entries(schema.attributes).map(
              ([name, kind]) => opCase.attributes?.[name] ?? (kind === 'factor' ? 1 : 0),
            ),
            label: `${schema.name} ${opCase.name}`,
          },
        ],
      }
      using plan = Plan.create(this.#device, spec)
      await this.#submit(plan)
      return results.map((at) => download(operands[at], buffers[at]))
    } finally {
      for (const buffer of buffers) buffer[Symbol.dispose]()
    }
  }

  #submit(plan: Plan): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#executor.submit(0, [{ plan, tokens: 1, rows: 1, seqs: 1 }], (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }

  #operandSpec(operand: CaseOperand, buffer: Buffer | undefined): OperandSpec {
    return {
      space: 'buffer',
      ...(buffer && { buffer }),
      offset: 0,
      dtype: operand.dtype,
      layout: operand.weight ? this.#device.matrixLayout : 'strided',
      shape: operand.shape.map(constant),
      strides: operand.weight ? [] : stridesOf(operand),
    }
  }

  // Results start as NaN (all bits set), so that an element nobody wrote is seen.
  #upload(operand: CaseOperand): Buffer {
    const { dtype, shape, name, values } = operand
    const [rows = 1, columns = 1] = shape.slice(-2)
    const matrixBytes = operand.weight ? this.#device.matrixBytes(dtype, rows, columns) : 0
    const matrices = shape.length > 2 ? (shape[0] ?? 1) : 1
    const bytes = operand.weight ? matrices * matrixBytes : operandBytes(operand)
    const buffer = this.#device.allocate(Math.max(bytes, 4), `parity ${name}`)
    if (values === undefined) {
      buffer.fill(0xff)
    } else if (values instanceof Int32Array) {
      buffer.write(spreadValues(operand))
    } else if (operand.weight) {
      for (let i = 0; i < matrices; i++) {
        this.#device.loadMatrix(
          buffer,
          { offset: i * matrixBytes, dtype, rows, columns, firstRow: 0 },
          { values: values.subarray(i * rows * columns, (i + 1) * rows * columns), rows, columns },
        )
      }
    } else {
      const spread = spreadValues(operand) as Float32Array
      this.#device.loadVector(
        buffer,
        { offset: 0, dtype },
        { values: spread, rows: 1, columns: spread.length },
      )
    }
    return buffer
  }
}

function stridesOf({ shape, rowStride }: CaseOperand): number[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  strides[0] = rowStride
  return strides
}

function download(operand: CaseOperand | undefined, buffer: Buffer | undefined): Float64Array {
  if (operand === undefined || buffer === undefined) return new Float64Array(0)
  const bytes = new Uint8Array(operandBytes(operand))
  buffer.read(bytes)
  return decodeOperand(operand, bytes)
}
