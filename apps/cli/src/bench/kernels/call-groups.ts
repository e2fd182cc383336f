import { type CompiledPlan, type Node, nodeCost, type StepWork } from '@trtllm/graph'
import type { NodeSpec, OpCost } from '@trtllm/kernels'
import { productsAreF8 } from '../model-work.js'

/** Calls of one op with equal shapes, types and attributes: layers of a model make the same call. */
export interface CallGroup {
  readonly op: string
  /** Shapes of its tensors and weights in this step. */
  readonly shape: string
  readonly nodes: readonly NodeSpec[]
  /** Whose integers the calls read: they come first, so that indices are indices. */
  readonly before: readonly NodeSpec[]
  /** Of one call. */
  readonly cost: OpCost
  readonly productsAreF8: boolean
}

/** The calls of a step by kind, in the order in which kinds first occur. Those that only set up a step are left out. */
export function callGroups({ graph, nodes, operands }: CompiledPlan, step: StepWork): CallGroup[] {
  const groups = new Map<string, CallGroup & { nodes: NodeSpec[] }>()
  for (const [index, node] of graph.nodes.entries()) {
    if (node.op.name === 'apply-deltas') continue
    const spec = nodes[index]!
    const shape = shapeText(node, step)
    const key = [node.op.name, shape, ...node.attributes].join(' ')
    const group = groups.get(key)
    if (group) group.nodes.push(spec)
    else {
      const before = producers(index)
      groups.set(key, {
        op: node.op.name,
        shape,
        nodes: [spec],
        before,
        cost: nodeCost(node, step),
        productsAreF8: productsAreF8(node),
      })
    }
  }
  return [...groups.values()]

  /** The calls before `index` that made the integers which it reads, first to last. */
  function producers(index: number): NodeSpec[] {
    const node = nodes[index]!
    const numInputs = graph.nodes[index]!.inputs.length
    const read = node.operands.slice(0, numInputs).map((operand) => operands[operand])
    const wanted = read.filter((operand) => operand?.space === 'arena' && operand.dtype === 'i32')
    const found = new Set<number>()
    for (const operand of wanted)
      for (let at = index - 1; at >= 0; at--) {
        const results = nodes[at]!.operands.slice(graph.nodes[at]!.inputs.length)
        if (
          !results.some(
            (each) => operands[each]?.space === 'arena' && operands[each]?.offset === operand!.offset,
          )
        )
          continue
        found.add(at)
        break
      }
    return [...found].sort((a, b) => a - b).flatMap((at) => [...producers(at), nodes[at]!])
  }
}

/** `[64,4096] x [6144,4096] f8`: the tensors and weights that a call reads; types are named where they are not its own. */
function shapeText(node: Node, { sizes }: StepWork): string {
  const isOther = (dtype: string) => ['f8', 'i8', 'f32', 'i32'].includes(dtype)
  return node.inputs
    .filter((value) => value !== undefined)
    .filter(({ origin, shape }) => !['slab', 'state', 'section'].includes(origin.kind) && shape.length > 1)
    .map(({ origin, shape, dtype }) => {
      // How many pages there are is no matter of a call.
      const axes =
        origin.kind === 'cache' ? ['pages', ...shape.slice(1)] : shape.map((dim) => dim.with(sizes))
      return `[${axes.join(',')}]${isOther(dtype) ? ` ${dtype}` : ''}`
    })
    .join(' x ')
}
