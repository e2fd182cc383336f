import { ops } from '@trtllm/kernels'
import { inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

interface Match {
  readonly ropeOfQ: Node
  readonly ropeOfK: Node
  readonly write: Node
}

/** The ropes of q and k and the write of k and v become one op where q and k are rotated alike and for nothing else. */
export const fuseRopeKvWrite: Pass = {
  name: 'fuse-rope-kv-write',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const node of graph.nodes) {
      const match = node.op === ops.kvWrite ? ropesBefore(uses, node) : undefined
      if (!match) continue
      rewrite.replace(match.ropeOfQ)
      rewrite.replace(match.ropeOfK)
      rewrite.replace(match.write, fused(match))
    }
    return rewrite.apply(graph)
  },
}

function ropesBefore(uses: Uses, write: Node): Match | undefined {
  const k = inputOf(write, 'k')!
  const ropeOfK = uses.producerOf(k)
  const [reader, ...others] = uses.readersOf(outputOf(write, 'cache'))
  if (ropeOfK?.op !== ops.rope || reader?.op !== ops.pagedAttention || others.length > 0) return undefined

  const q = inputOf(reader, 'q')!
  const ropeOfQ = uses.producerOf(q)
  if (ropeOfQ?.op !== ops.rope || !rotateAlike(ropeOfQ, ropeOfK)) return undefined
  const isPlain = outputOf(ropeOfQ, 'y') === q && outputOf(ropeOfK, 'y') === k
  const samePositions = inputOf(ropeOfK, 'positions') === inputOf(write, 'positions')
  const forNothingElse = uses.isOnlyReadBy(q, reader) && uses.isOnlyReadBy(k, write)
  return isPlain && samePositions && forNothingElse ? { ropeOfQ, ropeOfK, write } : undefined
}

function rotateAlike(a: Node, b: Node): boolean {
  return (
    ['positions', 'inverseFrequencies', 'variant'].every((name) => inputOf(a, name) === inputOf(b, name)) &&
    a.attributes.every((attribute, i) => attribute === b.attributes[i])
  )
}

/** Stands where the write stood: q has no reader before the attention behind it. */
function fused({ ropeOfQ, ropeOfK, write }: Match): Node {
  return {
    op: ops.ropeKvWrite,
    path: write.path,
    inputs: [
      inputOf(ropeOfQ, 'x'),
      inputOf(ropeOfK, 'x'),
      inputOf(write, 'v'),
      inputOf(ropeOfK, 'positions'),
      inputOf(ropeOfK, 'inverseFrequencies'),
      inputOf(ropeOfK, 'variant'),
      inputOf(write, 'tokenSlot'),
      inputOf(write, 'pageTable'),
      inputOf(write, 'cache'),
    ],
    outputs: [outputOf(ropeOfQ, 'y'), outputOf(write, 'cache')],
    attributes: [...ropeOfK.attributes, ...write.attributes],
  }
}
