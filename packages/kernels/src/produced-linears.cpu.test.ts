import { expect, it } from 'vitest'
import { addRmsNorm } from '../ops/add-rms-norm/add-rms-norm.op.js'
import { addRmsNormLinearF8 } from '../ops/add-rms-norm-linear-f8/add-rms-norm-linear-f8.op.js'
import { linearF8 } from '../ops/linear-f8/linear-f8.op.js'
import { siluMul } from '../ops/silu-mul/silu-mul.op.js'
import { siluMulLinearF8 } from '../ops/silu-mul-linear-f8/silu-mul-linear-f8.op.js'
import type { OpCase, OpSchema } from './define-op.js'
import { cpuIsa, Device } from './index.js'
import { OpRunner } from './op-runner.js'
import { type CaseOperands, caseOperands } from './parity-operands.js'

/** Operands of an op, those whose names are given with these values. */
function operandsWith(
  schema: OpSchema,
  opCase: OpCase,
  values: Record<string, ArrayLike<number>>,
): CaseOperands {
  const made = caseOperands(schema, opCase, false)
  const operands = made.operands.map((operand) =>
    operand.name in values ? { ...operand, values: Float32Array.from(values[operand.name]!) } : operand,
  )
  return { ...made, operands }
}

/** What an op gives in two steps. */
interface Parts {
  readonly op: OpSchema
  readonly first: OpSchema
  /** Inputs of the first op by those of the whole. */
  readonly inputs: Readonly<Record<string, string>>
  /** Which result of the first op the linear reads. */
  readonly read: number
}

const pairs: Parts[] = [
  {
    op: addRmsNormLinearF8,
    first: addRmsNorm,
    inputs: { x: 'x', added: 'y', normWeight: 'weight' },
    read: 1,
  },
  { op: siluMulLinearF8, first: siluMul, inputs: { gate: 'gate', up: 'up' }, read: 0 },
]

it.each(cpuIsa().all.flatMap((isa) => pairs.map((parts) => ({ isa, name: parts.op.name, parts }))))(
  '$name gives the bits of its two ops one after the other on $isa',
  async ({ isa, parts: { op, first, inputs, read } }) => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    for (const opCase of op.cases.filter(({ dims }) => dims.rows! < 20)) {
      // Numbers that no format holds exactly: sums and norms differ where anything does.
      const whole = caseOperands(op, opCase, false)
      const inputNamed = (name: string) => whole.operands.find((operand) => operand.name === name)?.values
      const uneven = (name: string) =>
        Float32Array.from(inputNamed(name)!, (value, i) => value * (1 + Math.sin(i)))
      const own = Object.fromEntries(Object.keys(inputs).map((name) => [name, uneven(name)]))
      const results = await runner.run(op, opCase, operandsWith(op, opCase, own))
      const { rows = 0, in: dim = 0 } = opCase.dims
      const firstCase = { ...opCase, dims: { rows, dim }, without: [] }
      const given = Object.fromEntries(Object.entries(inputs).map(([name, theirs]) => [theirs, own[name]!]))
      const made = await runner.run(first, firstCase, operandsWith(first, firstCase, given))
      const rest = { x: made[read]!, weight: inputNamed('weight')!, weightScale: inputNamed('weightScale')! }
      const bias = inputNamed('bias')
      const linearCase = { ...opCase, attributes: {} }
      const [y] = await runner.run(
        linearF8,
        linearCase,
        operandsWith(linearF8, linearCase, { ...rest, ...(bias && { bias }) }),
      )
      expect(results.at(-1), opCase.name).toEqual(y)
      if (results.length > 1) expect(results[0], opCase.name).toEqual(made[0])
    }
  },
)
