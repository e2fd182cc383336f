import type { OpSchema } from '@trtllm/kernels'
import type { Value } from './value.js'

/** One call of an op: inputs and outputs in schema order, undefined where an optional input is left out. */
export interface Node {
  readonly op: OpSchema
  /** Where in the model it was called; unique enough to find the line that made it. */
  readonly path: string
  readonly inputs: readonly (Value | undefined)[]
  readonly outputs: readonly Value[]
  /** In schema order. */
  readonly attributes: readonly number[]
}

/** The operand called `name`, undefined if it is absent; a wrong name is a mistake of the caller and throws. */
export function inputOf(node: Node, name: string): Value | undefined {
  const index = Object.keys(node.op.inputs).indexOf(name)
  if (index < 0) throw new Error(`${node.op.name} has no input ${name}`)
  return node.inputs[index]
}

/** The result called `name`. */
export function outputOf(node: Node, name: string): Value {
  const output = node.outputs[Object.keys(node.op.outputs).indexOf(name)]
  if (!output) throw new Error(`${node.op.name} has no result ${name}`)
  return output
}

/** The attribute called `name`. */
export function attributeOf(node: Node, name: string): number {
  const attribute = node.attributes[Object.keys(node.op.attributes).indexOf(name)]
  if (attribute === undefined) throw new Error(`${node.op.name} has no attribute ${name}`)
  return attribute
}
