import type { Graph } from '../graph.js'
import { embed } from '../layers.js'
import type { Mesh } from '../mesh.js'
import type { Pass } from '../passes/pass.js'
import { printGraph } from '../print-graph.js'
import { Recorder } from '../recorder.js'
import { Scope } from '../scope.js'
import type { StepValues } from '../step-values.js'
import type { Value } from '../value.js'
import { verifyGraph } from '../verify.js'

/** A graph of a few calls: `build` gets x bf16[tokens,8] and returns the value to keep, named `y`. */
export function smallGraph(
  build: (m: Scope, x: Value, step: StepValues) => Value,
  mesh: Mesh = { size: 1, rank: 0 },
): Graph {
  const recorder = new Recorder('bf16', mesh)
  const m = new Scope('', recorder)
  const y = build(m, embed(m.at('embed'), recorder.step.tokens, 32, 8), recorder.step)
  const graph: Graph = {
    name: 'small',
    dtype: 'bf16',
    mesh,
    nodes: recorder.nodes,
    caches: recorder.caches.specs,
    outputs: new Map([['y', y]]),
    results: new Map(),
    passes: [],
  }
  verifyGraph(graph)
  return graph
}

/** What `build` made, as text: x is %2. */
export const bodyOf = (graph: Graph): string => printGraph(graph).split('\n').slice(3).join('\n').trim()

/** Text before and after a pass; the result is verified. */
export function beforeAfter(graph: Graph, pass: Pass): { before: string; after: string } {
  const result = pass.run(graph)
  verifyGraph(result)
  return { before: bodyOf(graph), after: bodyOf(result) }
}
