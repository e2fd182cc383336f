import type { Node } from '../node.js'
import type { Value } from '../value.js'
import type { Pass } from './pass.js'

/** Leaves out calls whose results nobody sees. A call that changes state is seen by the next step. */
export const dropDead: Pass = {
  name: 'drop-dead',
  run(graph) {
    const seen = new Set<Value>()
    const see = (value: Value): void => {
      seen.add(value)
      if (value.origin.kind === 'view' || value.origin.kind === 'section') see(value.origin.of)
    }
    for (const value of [...graph.outputs.values(), ...graph.results.values()]) see(value)
    const live: Node[] = []
    for (const node of [...graph.nodes].reverse()) {
      const changesState = Object.values(node.op.outputs).some((schema) => schema.updates !== undefined)
      if (!changesState && !node.outputs.some((output) => seen.has(output))) continue
      live.push(node)
      for (const input of node.inputs) if (input) see(input)
    }
    return { ...graph, nodes: live.reverse() }
  },
}
