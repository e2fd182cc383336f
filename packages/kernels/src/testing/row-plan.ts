import type { Buffer } from '../buffer.js'
import type { Device } from '../device.js'
import { Executor, type ProgramItem } from '../executor.js'
import { type DimExpr, type NodeSpec, type OperandSpec, Plan, type PlanSpec } from '../plan.js'
import { StepRing } from '../step-ring.js'

const fixed = (constant: number): DimExpr => ({ constant, tokens: 0, rows: 0, seqs: 0 })
const tokens: DimExpr = { constant: 0, tokens: 1, rows: 0, seqs: 0 }

/** Columns of the operands that `rowOperand` makes. */
export const rowDim = 8
export const maxTokens = 16

/** An f32 operand [tokens, 8] at a row-aligned place. */
export const rowOperand = (
  space: OperandSpec['space'],
  offset: number,
  changes: Partial<OperandSpec> = {},
): OperandSpec => ({
  space,
  offset,
  dtype: 'f32',
  layout: 'strided',
  shape: [tokens, fixed(rowDim)],
  strides: [],
  ...changes,
})

const bytes = maxTokens * rowDim * 4

export const node = (op: string, operands: number[], attributes: number[] = [], label = op): NodeSpec => ({
  op,
  operands,
  attributes,
  label,
})

/** result = (slab + slab) twice over: operands 0 slab, 1 and 2 arena, 3 result; result = 4 * slab. */
export const quadruple: PlanSpec = {
  limits: { tokens: maxTokens, rows: 4, seqs: 4 },
  arenaBytes: 2 * bytes,
  operands: [
    rowOperand('slab', 0),
    rowOperand('arena', 0),
    rowOperand('arena', bytes),
    rowOperand('result', 0),
  ],
  nodes: [
    node('add', [0, 0, 1], [], 'twice'),
    node('mul', [1, 0, 2], [], 'square'),
    node('add', [1, 1, 3], [], 'four times'),
  ],
}

/** result = the rows of `table` that the slab's i32 words name; fails on a word that names none. */
export function gatherPlan(device: Device, table: Buffer, numRows: number): Plan {
  const tableShape = [fixed(numRows), fixed(rowDim)]
  return Plan.create(device, {
    limits: { tokens: maxTokens, rows: 4, seqs: 4 },
    arenaBytes: 0,
    operands: [
      rowOperand('buffer', 0, { buffer: table, shape: tableShape }),
      rowOperand('slab', 0, { dtype: 'i32', shape: [tokens] }),
      rowOperand('result', 0),
    ],
    nodes: [node('gather-rows', [0, 1, 2], [], 'pick rows')],
  })
}

/** What an executor tells of a step. */
export interface StepTimes {
  readonly microseconds: number
  readonly idleMicroseconds: number
}

/** A ring and an executor that are disposed of together. */
export class Stage implements Disposable {
  readonly ring: StepRing
  readonly executor: Executor

  constructor(device: Device, depth = 4) {
    const words = maxTokens * rowDim
    this.ring = StepRing.create(device, { slabWords: words, resultWords: words, depth })
    this.executor = Executor.create(device, this.ring)
  }

  slab(entry: number): Float32Array {
    return new Float32Array(this.ring.slab(entry).buffer)
  }

  results(entry: number): Float32Array {
    return new Float32Array(this.ring.results(entry).buffer)
  }

  /** Submits and waits; rejects with the step's error. */
  run(entry: number, program: readonly ProgramItem[]): Promise<StepTimes> {
    return new Promise((resolve, reject) => {
      this.executor.submit(entry, program, (error, microseconds, idleMicroseconds) =>
        error ? reject(error) : resolve({ microseconds, idleMicroseconds }),
      )
    })
  }

  [Symbol.dispose](): void {
    this.executor.dispose()
    this.ring.dispose()
  }
}
