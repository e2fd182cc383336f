import type { OpCase, OpSchema } from './define-op.js'
import type { Device } from './device.js'
import { OpRunner } from './op-runner.js'
import { ops as everyOp } from './ops.generated.js'
import { caseOperands, largestError } from './parity-operands.js'

/** Outcome of one case: `maxError` is relative to max(1, |reference|); `error` is why the case could not run. */
export interface ParityRow {
  readonly op: string
  readonly case: string
  readonly maxError: number
  readonly tolerance: number
  readonly ok: boolean
  readonly error?: string
}

/**
 * Runs every case of `ops` (all ops when absent) as a plan of one node on `device` and on `reference` and compares the
 * results within the op's tolerance. Odd-numbered cases have padded rows, as views into merged projections do. A case
 * that fails to run is a row that is not ok. `reference` is best a CPU device opened with isa 'scalar'. `deterministic` as in
 * `PlanSpec`, of the device.
 */
export async function runParity(
  device: Device,
  reference: Device,
  ops: readonly OpSchema[] = Object.values(everyOp),
  onResult: (row: ParityRow) => void = () => {},
  deterministic = false,
): Promise<ParityRow[]> {
  using subject = new OpRunner(device, deterministic)
  using truth = new OpRunner(reference)
  const rows: ParityRow[] = []
  for (const schema of ops) {
    for (const [index, opCase] of schema.cases.entries()) {
      const row = await runCase(subject, truth, schema, opCase, index % 2 === 1)
      rows.push(row)
      onResult(row)
    }
  }
  return rows
}

async function runCase(
  subject: OpRunner,
  truth: OpRunner,
  schema: OpSchema,
  opCase: OpCase,
  padded: boolean,
): Promise<ParityRow> {
  const tolerance = schema.tolerance[opCase.cacheDtype === 'f8' ? 'f8' : opCase.dtype] ?? 0
  const row = { op: schema.name, case: opCase.name, tolerance }
  try {
    const operands = caseOperands(schema, opCase, padded)
    const expected = await truth.run(schema, opCase, operands)
    const actual = await subject.run(schema, opCase, operands)
    const errors = operands.results.map((at, i) =>
      largestError(operands.operands[at]?.dtype ?? 'f32', actual[i] ?? none, expected[i] ?? none),
    )
    const maxError = Math.max(0, ...errors)
    return { ...row, maxError, ok: maxError <= tolerance }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ...row, maxError: Number.POSITIVE_INFINITY, ok: false, error: message }
  }
}

const none = new Float64Array(0)
