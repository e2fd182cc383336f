import { dtypeBytes } from '@trtllm/kernels'
import type { Lifetime } from './arena.js'
import { extentOf, scaled } from './extent.js'
import { type Graph, updatedBy } from './graph.js'
import { rootOf, type Value } from './value.js'

/**
 * How long each value that needs room in the arena has to stay: from its node to the last reader of it or of a view of
 * it. New versions of a state and results have room elsewhere.
 */
export function lifetimesOf(graph: Graph): Map<Value, Lifetime> {
  const elsewhere = new Set(graph.results.values())
  const lifetimes = new Map<Value, Lifetime>()
  graph.nodes.forEach((node, index) => {
    for (const input of node.inputs) {
      const root = input && rootOf(input).root
      const lifetime = root && lifetimes.get(root)
      if (lifetime) lifetimes.set(root, { ...lifetime, last: index })
    }
    for (const output of node.outputs) {
      if (elsewhere.has(output) || updatedBy(node, output)) continue
      const extent = scaled(extentOf(output.shape[0]!), output.rowWidth * dtypeBytes[output.dtype])
      lifetimes.set(output, { extent, first: index, last: index })
    }
  })
  return lifetimes
}
