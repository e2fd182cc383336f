import { ops } from '@trtllm/kernels'
import { Dim } from '../dim.js'
import { inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import { rootOf, Value, viewOf } from '../value.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'
import { joinedPath, stackParams } from './stack-params.js'

/** Rows of a weight that share a scale where a checkpoint keeps scales by blocks. */
const blockRows = 128

/**
 * Linears of the same x become one with their weights on top of each other; readers get columns of its result. Those of
 * whole blocks come first, so that all but the last weight begin where a block of scales does.
 */
export const mergeSiblingLinears: Pass = {
  name: 'merge-sibling-linears',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const siblings of siblingsOf(graph.nodes, uses)) {
      const [first, ...rest] = siblings
      if (!first || rest.length === 0) continue
      rewrite.replace(first, merge(wholeBlocksFirst(siblings), rewrite))
      for (const node of rest) rewrite.replace(node)
    }
    return rewrite.apply(graph)
  },
}

/** Groups of linears that read the same columns of the same value, all with or all without bias. */
function siblingsOf(nodes: readonly Node[], uses: Uses): Iterable<Node[]> {
  const numbers = new Map<Value, number>()
  const groups = new Map<string, Node[]>()
  for (const node of nodes) {
    if (node.op !== ops.linear || !isMergeable(node, uses)) continue
    const x = inputOf(node, 'x')!
    const { root, firstColumn } = rootOf(x)
    if (!numbers.has(root)) numbers.set(root, numbers.size)
    const key = [numbers.get(root), firstColumn, x.rowWidth, inputOf(node, 'bias') !== undefined].join(' ')
    groups.set(key, [...(groups.get(key) ?? []), node])
  }
  return groups.values()
}

const wholeBlocksFirst = (siblings: readonly Node[]): Node[] => {
  const isRagged = (node: Node): number => (outputOf(node, 'y').rowWidth % blockRows === 0 ? 0 : 1)
  return siblings.toSorted((a, b) => isRagged(a) - isRagged(b))
}

/** A weight that others read too has to stay where it is, and an f32 result does not mix with others. */
function isMergeable(node: Node, uses: Uses): boolean {
  const weights = [inputOf(node, 'weight'), inputOf(node, 'bias')].filter((weight) => weight !== undefined)
  const ownsWeights = weights.every((weight) => uses.isOnlyReadBy(weight, node))
  return ownsWeights && outputOf(node, 'y').dtype === inputOf(node, 'x')!.dtype
}

function merge(siblings: readonly Node[], rewrite: Rewrite): Node {
  const first = siblings[0]!
  const path = joinedPath(siblings.map((node) => node.path))
  const old = siblings.map((node) => outputOf(node, 'y'))
  const width = old.reduce((sum, y) => sum + y.rowWidth, 0)
  const y = new Value(path, old[0]!.dtype, [old[0]!.shape[0]!, Dim.of(width)], { kind: 'node' })
  let firstColumn = 0
  for (const part of old) {
    rewrite.redirect(part, viewOf(y, firstColumn, part.shape, { path: part.path, copies: part.copies }))
    firstColumn += part.rowWidth
  }
  const stacked = (name: string): Value | undefined => {
    const weights = siblings.map((node) => inputOf(node, name)).filter((weight) => weight !== undefined)
    return weights.length === 0 ? undefined : stackParams(weights)
  }
  return { ...first, path, inputs: [inputOf(first, 'x'), stacked('weight'), stacked('bias')], outputs: [y] }
}
