import { type OpSchema, ops } from '@trtllm/kernels'
import { inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Value } from '../value.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

/** Activations that have an op of their own times the other half of the width. */
const fusedOps: ReadonlyMap<OpSchema, OpSchema> = new Map<OpSchema, OpSchema>([
  [ops.silu, ops.siluMul],
  [ops.geluTanh, ops.geluTanhMul],
])

/** activation(gate) * up, in either order, becomes one op where nobody else reads activation(gate). */
export const fuseGatedActivation: Pass = {
  name: 'fuse-gated-activation',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const node of graph.nodes) {
      if (node.op !== ops.mul) continue
      const match = gated(uses, node)
      if (!match) continue
      const { activation, up } = match
      const inputs = [inputOf(activation, 'x'), up]
      rewrite.replace(activation)
      rewrite.replace(node, { ...node, op: fusedOps.get(activation.op)!, inputs, attributes: [] })
    }
    return rewrite.apply(graph)
  },
}

/** The activation that `mul` alone reads, and its other factor. */
function gated(uses: Uses, mul: Node): { activation: Node; up: Value } | undefined {
  const x = inputOf(mul, 'x')!
  const y = inputOf(mul, 'y')!
  for (const [factor, up] of [
    [x, y],
    [y, x],
  ] as const) {
    const activation = uses.producerOf(factor)
    if (!activation || !fusedOps.has(activation.op)) continue
    if (outputOf(activation, 'y') !== factor || factor === up) continue
    if (uses.isOnlyReadBy(factor, mul)) return { activation, up }
  }
  return undefined
}
