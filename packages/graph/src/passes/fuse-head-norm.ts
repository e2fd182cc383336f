import { ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Value } from '../value.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

/** The norms of the heads of q and k join the op that rotates and writes them, where nobody else reads them. */
export const fuseHeadNorm: Pass = {
  name: 'fuse-head-norm',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const write of graph.nodes) {
      if (write.op !== ops.ropeKvWrite) continue
      const normOfQ = normBefore(uses, write, inputOf(write, 'q')!)
      const normOfK = normBefore(uses, write, inputOf(write, 'k')!)
      if (!normOfQ || !normOfK || attributeOf(normOfQ, 'eps') !== attributeOf(normOfK, 'eps')) continue
      rewrite.replace(normOfQ)
      rewrite.replace(normOfK)
      rewrite.replace(write, fused(write, normOfQ, normOfK))
    }
    return rewrite.apply(graph)
  },
}

/** The norm, with a weight, whose result only `write` reads. */
function normBefore(uses: Uses, write: Node, value: Value): Node | undefined {
  const norm = uses.producerOf(value)
  if (norm?.op !== ops.headRmsNorm || outputOf(norm, 'y') !== value) return undefined
  return inputOf(norm, 'weight') && uses.isOnlyReadBy(value, write) ? norm : undefined
}

function fused(write: Node, normOfQ: Node, normOfK: Node): Node {
  const [, , v, ...others] = write.inputs
  const weights = [inputOf(normOfQ, 'weight'), inputOf(normOfK, 'weight')]
  return {
    ...write,
    op: ops.normRopeKvWrite,
    inputs: [inputOf(normOfQ, 'x'), inputOf(normOfK, 'x'), v, ...weights, ...others],
    attributes: [...write.attributes, attributeOf(normOfQ, 'eps')],
  }
}
