import { dtypeBytes, type OpCost } from '@trtllm/kernels'
import type { StepSizes } from './extent.js'
import { attributeOf, inputOf, type Node } from './node.js'
import type { Value } from './value.js'

/** What a step asks for, beyond its sizes. */
export interface StepWork {
  readonly sizes: StepSizes
  /** Positions that the last query of each sequence sees. */
  readonly context: number
}

/** What a node moves and computes at least in such a step, where rows ask for nothing but a sample. */
export function nodeCost(node: Node, { sizes, context }: StepWork): OpCost {
  const { op } = node
  const dims: Record<string, number> = { context: seen(node, context), askedRows: 0 }
  const bind = (names: readonly (string | number)[], value: Value | undefined) => {
    for (const [axis, size] of (value?.shape ?? []).entries()) {
      const known = size.with(sizes)
      const name = names[axis]!
      if (typeof name === 'string' && known.isConstant) dims[name] = known.constant
    }
  }
  for (const [i, operand] of Object.values(op.inputs).entries()) bind(operand.dims, node.inputs[i])
  for (const [i, operand] of Object.values(op.outputs).entries()) bind(operand.dims, node.outputs[i])
  const floats = [...node.inputs, ...node.outputs].map((value) => value?.dtype)
  const float = floats.find((dtype) => dtype === 'f16' || dtype === 'bf16') ?? 'f32'
  const cache = 'cache' in op.inputs ? inputOf(node, 'cache') : undefined
  return op.cost(dims, dtypeBytes[float], cache && dtypeBytes[cache.dtype])
}

/** A window hides what is before it. */
function seen(node: Node, context: number): number {
  const window = 'window' in node.op.attributes ? attributeOf(node, 'window') : 0
  return window > 0 ? Math.min(window, context) : context
}
