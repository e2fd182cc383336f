import { type DType, dtypeBytes, TrtllmError } from '@trtllm/kernels'
import type { CompiledPlan } from './compile.js'
import { type Extent, extentAt, type StepSizes } from './extent.js'
import { isPartOfHeads, rootOf, type Value } from './value.js'

/** A value of a plan that a step can copy to the host: the operand to ask for and how to read what comes back. */
export interface Probe {
  /** The path of the value; a second one of the same path is `path#2`. */
  readonly name: string
  /** The operand whose bytes are copied. */
  readonly operand: number
  readonly dtype: DType
  /** Rows of the operand in a step. */
  readonly rows: Extent
  /** Elements from one row of the copy to the next. */
  readonly rowStride: number
  /** The value's part of each row. */
  readonly firstColumn: number
  readonly columns: number
}

/**
 * Values whose names match: exactly, or a pattern where `*` stands for any text, e.g. `model.layers.3.*`. Names of
 * public outputs (`logits`) come first, then values in the order of their making. Versions of states and
 * parts of heads are left out.
 */
export function findProbes(compiled: CompiledPlan, pattern: string): Probe[] {
  const expression = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`)
  return [...namedValues(compiled)]
    .filter(([name]) => expression.test(name))
    .flatMap(([name, value]) => probeOf(compiled, name, value) ?? [])
}

/** The one probe of that name. Throws `not_found` if there is none. */
export function probeNamed(compiled: CompiledPlan, name: string): Probe {
  const probe = findProbes(compiled, name)[0]
  if (!probe) throw new TrtllmError('not_found', `the plan of ${compiled.graph.name} has no value ${name}`)
  return probe
}

/** Bytes that a probe's copy takes in a step of those sizes. */
export const probeBytes = (probe: Probe, sizes: StepSizes): number =>
  extentAt(probe.rows, sizes) * probe.rowStride * dtypeBytes[probe.dtype]

function* namedValues({ graph }: CompiledPlan): Generator<[string, Value], void, undefined> {
  yield* graph.outputs
  const counts = new Map<string, number>()
  const seen = new Set<Value>()
  for (const value of graph.nodes.flatMap((node) => [...node.outputs, ...node.inputs])) {
    if (!value || seen.has(value) || isPartOfHeads(value) || rootOf(value).root.origin.kind !== 'node')
      continue
    seen.add(value)
    const count = (counts.get(value.path) ?? 0) + 1
    counts.set(value.path, count)
    yield [count === 1 ? value.path : `${value.path}#${count}`, value]
  }
}

function probeOf(compiled: CompiledPlan, name: string, value: Value): Probe | undefined {
  const { root, firstColumn } = rootOf(value)
  const operand = compiled.operandOf(root)
  const spec = operand === undefined ? undefined : compiled.operands[operand]
  if (operand === undefined || !spec || spec.space === 'buffer') return undefined
  return {
    name,
    operand,
    dtype: root.dtype,
    rows: spec.shape[0]!,
    rowStride: root.rowWidth,
    firstColumn,
    columns: value.rowWidth,
  }
}

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
