import { ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

/** x + y and the first rms-norm of that sum become one op; the sum stays, for the residual stream goes on. */
export const fuseResidualNorm: Pass = {
  name: 'fuse-residual-norm',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const norm of graph.nodes) {
      if (norm.op !== ops.rmsNorm) continue
      const sum = inputOf(norm, 'x')!
      const add = uses.producerOf(sum)
      if (add?.op !== ops.add || outputOf(add, 'z') !== sum || rewrite.isReplaced(add)) continue
      rewrite.replace(add, fused(add, norm))
      rewrite.replace(norm)
    }
    return rewrite.apply(graph)
  },
}

/** Stands where the add stood: the norm's weight is ready from the start. */
function fused(add: Node, norm: Node): Node {
  return {
    op: ops.addRmsNorm,
    path: norm.path,
    inputs: [inputOf(add, 'x'), inputOf(add, 'y'), inputOf(norm, 'weight')],
    outputs: [outputOf(add, 'z'), outputOf(norm, 'y')],
    attributes: [attributeOf(norm, 'eps')],
  }
}
