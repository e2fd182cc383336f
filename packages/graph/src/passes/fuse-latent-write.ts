import { ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

interface Match {
  readonly norm: Node
  readonly ropeOfQ: Node
  readonly ropeOfKey: Node
  readonly write: Node
}

/** The norm of a latent, the ropes of the position parts and the write become one op where nobody else reads them. */
export const fuseLatentWrite: Pass = {
  name: 'fuse-latent-write',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const node of graph.nodes) {
      const match = node.op === ops.latentWrite ? partsOf(uses, node) : undefined
      if (!match) continue
      for (const part of [match.norm, match.ropeOfQ, match.ropeOfKey]) rewrite.replace(part)
      rewrite.replace(node, fused(match))
    }
    return rewrite.apply(graph)
  },
}

function partsOf(uses: Uses, write: Node): Match | undefined {
  const [reader, ...others] = uses.readersOf(outputOf(write, 'cache'))
  if (reader?.op !== ops.latentAttention || others.length > 0) return undefined
  const norm = onlyFor(uses, write, 'latent')
  const ropeOfKey = onlyFor(uses, write, 'pe')
  const ropeOfQ = onlyFor(uses, reader, 'qPe')
  if (norm?.op !== ops.rmsNorm || ropeOfKey?.op !== ops.rope || ropeOfQ?.op !== ops.rope) return undefined
  const samePositions = inputOf(ropeOfKey, 'positions') === inputOf(write, 'positions')
  return samePositions && rotateAlike(ropeOfQ, ropeOfKey) ? { norm, ropeOfQ, ropeOfKey, write } : undefined
}

/** What makes that operand as it is, if nobody else reads it. */
function onlyFor(uses: Uses, reader: Node, name: string): Node | undefined {
  const value = inputOf(reader, name)!
  const maker = uses.producerOf(value)
  return maker && maker.outputs[0] === value && uses.isOnlyReadBy(value, reader) ? maker : undefined
}

function rotateAlike(a: Node, b: Node): boolean {
  return (
    ['positions', 'inverseFrequencies', 'variant'].every((name) => inputOf(a, name) === inputOf(b, name)) &&
    a.attributes.every((attribute, i) => attribute === b.attributes[i])
  )
}

/** Stands where the write stood: the rotated queries have no reader before the attention behind it. */
function fused({ norm, ropeOfQ, ropeOfKey, write }: Match): Node {
  return {
    op: ops.normRopeLatentWrite,
    path: write.path,
    inputs: [
      inputOf(ropeOfQ, 'x'),
      inputOf(norm, 'x'),
      inputOf(ropeOfKey, 'x'),
      inputOf(norm, 'weight'),
      ...['positions', 'inverseFrequencies', 'variant'].map((name) => inputOf(ropeOfKey, name)),
      ...['tokenSlot', 'pageTable', 'cache'].map((name) => inputOf(write, name)),
    ],
    outputs: [outputOf(ropeOfQ, 'y'), outputOf(write, 'cache')],
    attributes: [...ropeOfKey.attributes, attributeOf(norm, 'eps')],
  }
}
