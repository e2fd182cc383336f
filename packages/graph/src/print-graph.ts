import type { Graph } from './graph.js'
import type { Node } from './node.js'
import { rootOf, type Value } from './value.js'

/**
 * The calls of a graph, one a line: `%7 = rms-norm(%6, model.norm.weight) eps=0.00001 -> bf16[rows,64]`. Results are
 * numbered in order, `%5[64:96 as 2x16]` is a view of columns 64 to 95, `%5[as 4x24][:, 0:16]` one of the first 16
 * elements of each head, other operands go by their names.
 */
export function printGraph(graph: Graph): string {
  const names = new Map<Value, string>()
  for (const node of graph.nodes) {
    for (const output of node.outputs) names.set(output, `%${names.size}`)
  }
  const lines = graph.nodes.map((node) => nodeLine(node, names))
  for (const [name, value] of graph.outputs) lines.push(`${name} = ${operandText(value, names)}`)
  for (const [name, value] of graph.results) lines.push(`result.${name} = ${operandText(value, names)}`)
  return `${lines.join('\n')}\n`
}

function nodeLine({ op, inputs, outputs, attributes }: Node, names: ReadonlyMap<Value, string>): string {
  const results = outputs.map((output) => names.get(output)).join(', ')
  const operands = inputs.map((input) => (input ? operandText(input, names) : '-')).join(', ')
  const settings = Object.entries(op.attributes).map(([name, kind], i) =>
    kind === 'factor' && attributes[i] === 1 ? '' : ` ${name}=${attributes[i]}`,
  )
  const types = outputs.map(({ dtype, shape }) => `${dtype}[${shape.join(',')}]`).join(', ')
  return `${results} = ${op.name}(${operands})${settings.join('')} -> ${types}`
}

function operandText(value: Value, names: ReadonlyMap<Value, string>): string {
  if (value.origin.kind === 'view' && value.origin.headStride !== undefined) {
    const { of, firstColumn } = value.origin
    return `${operandText(of, names)}[:, ${firstColumn}:${firstColumn + value.shape[2]!.constant}]`
  }
  const { root, firstColumn } = rootOf(value)
  const name = names.get(root) ?? root.path
  if (value === root) return name
  const isWhole = value.rowWidth === root.rowWidth
  const parts = isWhole ? [] : [`${firstColumn}:${firstColumn + value.rowWidth}`]
  const axes = value.shape.slice(1).join('x')
  if (value.shape.length > 2 || isWhole) parts.push(`as ${axes}`)
  return `${name}[${parts.join(' ')}]`
}
