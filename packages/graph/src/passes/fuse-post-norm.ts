import { type OpSchema, ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Value } from '../value.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

/** Sums that can take the norm of one of their parts with them. */
const fusedOps: ReadonlyMap<OpSchema, OpSchema> = new Map<OpSchema, OpSchema>([
  [ops.add, ops.rmsNormAdd],
  [ops.addRmsNorm, ops.rmsNormAddRmsNorm],
])

/** x + rms-norm(y) becomes one op where only the sum reads the norm; so does the sum that is normed itself. */
export const fusePostNorm: Pass = {
  name: 'fuse-post-norm',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const sum of graph.nodes) {
      const match = fusedOps.has(sum.op) ? normedPart(uses, sum) : undefined
      if (!match || rewrite.isReplaced(match.norm)) continue
      rewrite.replace(match.norm)
      rewrite.replace(sum, fused(sum, match))
    }
    return rewrite.apply(graph)
  },
}

interface Match {
  readonly norm: Node
  /** The part that is added as it is. */
  readonly plain: Value
}

function normedPart(uses: Uses, sum: Node): Match | undefined {
  const x = inputOf(sum, 'x')!
  const y = inputOf(sum, 'y')!
  for (const [normed, plain] of [
    [y, x],
    [x, y],
  ] as const) {
    const norm = uses.producerOf(normed)
    const isNorm = norm?.op === ops.rmsNorm && outputOf(norm, 'y') === normed
    if (isNorm && normed !== plain && uses.isOnlyReadBy(normed, sum)) return { norm, plain }
  }
  return undefined
}

/** Stands where the sum stood. */
function fused(sum: Node, { norm, plain }: Match): Node {
  const isNormedAfter = sum.op === ops.addRmsNorm
  return {
    op: fusedOps.get(sum.op)!,
    path: sum.path,
    inputs: [
      plain,
      inputOf(norm, 'x'),
      inputOf(norm, 'weight'),
      ...(isNormedAfter ? [inputOf(sum, 'weight')] : []),
    ],
    outputs: sum.outputs,
    attributes: [attributeOf(norm, 'eps'), ...(isNormedAfter ? [attributeOf(sum, 'eps')] : [])],
  }
}
