import type { OpCase, OpSchema } from './define-op.js'
import type { Device } from './device.js'
import { OpRunner } from './op-runner.js'
import { ops as everyOp } from './ops.generated.js'
import { type CaseOperand, type CaseOperands, caseOperands } from './parity-operands.js'

/** How the rows of a case came out among fewer others: how many were looked at, and how many had other bits. */
export interface RowBits {
  readonly op: string
  readonly case: string
  readonly rows: number
  readonly differing: number
  /** Why the case could not run. */
  readonly error?: string
}

/**
 * Runs every case of `ops` that has rows of its own whole, then some of its rows alone and in smaller companies, and compares
 * their bits, which must be equal in a deterministic plan. Ops that have no rows, or only write state, are left out.
 */
export async function runRowBits(
  device: Device,
  ops: readonly OpSchema[] = Object.values(everyOp),
  deterministic = true,
): Promise<RowBits[]> {
  using runner = new OpRunner(device, deterministic)
  const found: RowBits[] = []
  for (const schema of ops) {
    const axis = rowAxis(schema)
    if (axis === undefined) continue
    for (const opCase of schema.cases) {
      const count = opCase.dims[axis]!
      if (count < 2) continue
      try {
        found.push(await compareRows(runner, schema, opCase, axis))
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        found.push({ op: schema.name, case: opCase.name, rows: 0, differing: 0, error: message })
      }
    }
  }
  return found
}

/** The axis of rows that all results begin with and that no input has but in front. */
function rowAxis({ inputs, outputs }: OpSchema): string | undefined {
  const results = Object.values(outputs).filter(({ updates }) => updates === undefined)
  const axis = results[0]?.dims[0]
  // Other axes in front, such as the pairs of rows and experts, mean something together with other operands.
  if ((axis !== 'rows' && axis !== 'tokens') || results.some(({ dims }) => dims[0] !== axis)) return undefined
  const isElsewhere = ({ dims }: { dims: readonly (string | number)[] }) =>
    dims.some((dim) => typeof dim === 'string' && dim !== axis && dim.split(/[*+]/).includes(axis)) ||
    dims.slice(1).includes(axis)
  return [...Object.values(inputs), ...results].some(isElsewhere) ? undefined : axis
}

async function compareRows(
  runner: OpRunner,
  schema: OpSchema,
  opCase: OpCase,
  axis: string,
): Promise<RowBits> {
  const all = caseOperands(schema, opCase, false)
  const whole = await runner.run(schema, opCase, all)
  const count = opCase.dims[axis]!
  let rows = 0
  let differing = 0
  for (const [from, to] of companies(count)) {
    const cut = cutRows(schema, all, axis, from, to)
    if (!cut) continue
    const dims = { ...opCase.dims, [axis]: to - from, seqs: 1 }
    const part = await runner.run(schema, { ...opCase, dims }, cut)
    for (let row = from; row < to; row++) {
      rows++
      const isSame = all.results.every((at, i) => {
        const { shape } = all.operands[at]!
        if (isState(schema, i)) return true
        const width = shape.slice(1).reduce((product, size) => product * size, 1)
        const own = part[i]!.subarray((row - from) * width, (row - from + 1) * width)
        return own.every((value, j) => Object.is(value, whole[i]![row * width + j]))
      })
      if (!isSame) differing++
    }
  }
  return { op: schema.name, case: opCase.name, rows, differing }
}

const isState = (schema: OpSchema, result: number): boolean =>
  Object.values(schema.outputs)[result]!.updates !== undefined

/** Rows to compute without the others: some alone, some in parts of several sizes. */
function* companies(count: number): Generator<[from: number, to: number]> {
  const lone = new Set([0, Math.floor(count / 3), count - 1])
  for (const row of lone) yield [row, row + 1]
  for (const size of [2, 7, 9, 20, 40, 100]) {
    if (size < count) yield [Math.floor((count - size) / 2), Math.floor((count - size) / 2) + size]
  }
}

/** The operands of a case with the rows [from, to) alone; undefined where these belong to several sequences. */
function cutRows(
  schema: OpSchema,
  { operands, order, results }: CaseOperands,
  axis: string,
  from: number,
  to: number,
): CaseOperands | undefined {
  const sequence = sequenceOf(operands, from, to)
  if (sequence === null) return undefined
  const names = [...Object.entries(schema.inputs), ...Object.entries(schema.outputs)]
  const cut = operands.map((operand): CaseOperand => {
    const values = sequence?.[operand.name]
    if (values) return { ...operand, shape: [values.length], values: Int32Array.from(values) }
    const dims = names.find(([name]) => name === operand.name)![1].dims
    return dims[0] === axis ? slice(operand, from, to) : operand
  })
  return { operands: cut, order, results }
}

function slice(operand: CaseOperand, from: number, to: number): CaseOperand {
  const { shape, values } = operand
  const width = shape.slice(1).reduce((product, size) => product * size, 1)
  return {
    ...operand,
    shape: [to - from, ...shape.slice(1)],
    ...(values && { values: values.slice(from * width, to * width) }),
  }
}

/** For ops that go by sequences: the one that has the rows, as if they were all of its step. Null where there are several. */
function sequenceOf(
  operands: readonly CaseOperand[],
  from: number,
  to: number,
): Record<string, number[]> | undefined | null {
  const named = (name: string) => operands.find((operand) => operand.name === name)?.values
  const [slots, starts, contexts] = [named('seqSlot'), named('seqStart'), named('seqContext')]
  if (!slots || !starts || !contexts) return undefined
  const seq = contexts.findIndex((_, s) => starts[s]! <= from && to <= starts[s + 1]!)
  if (seq < 0) return null
  return {
    seqSlot: [slots[seq]!],
    seqStart: [0, to - from],
    seqContext: [contexts[seq]! - (starts[seq + 1]! - to)],
  }
}
