import { ops } from '@trtllm/kernels'
import { pageRuns } from './cache-spec.js'
import { type CompiledPlan, compile } from './compile.js'
import type { Graph } from './graph.js'
import type { Node } from './node.js'
import type { PlanDevice } from './plan-device.js'
import { cacheValue, slabValue } from './step-values.js'
import { Value } from './value.js'
import { verifyGraph } from './verify.js'

/**
 * The plan that copies pages: for each cache of `plan` the records of its pool in the slab's `copies`. A step that takes
 * over part of a page runs it before `plan`; it works in the same slab and the same caches and needs nothing else.
 */
export function compilePageCopies(plan: CompiledPlan, device: PlanDevice): CompiledPlan {
  const { graph, layout } = plan
  const copying: Graph = {
    ...graph,
    name: `${graph.name} page copies`,
    nodes: graph.caches.map((_, index) => copyNode(graph, index)),
    outputs: new Map(),
    results: new Map(),
    passes: [],
  }
  verifyGraph(copying)
  return compile(copying, { limits: layout.limits, device })
}

function copyNode({ caches }: Graph, index: number): Node {
  const { path, pool, content, dtype } = caches[index]!
  const cache = cacheValue(`${path}.cache`, index, dtype, pageRuns(content))
  const copied = new Value(`${path}.copied`, dtype, cache.shape, { kind: 'node' })
  return {
    op: ops.copyPages,
    path: `${path}.copy`,
    inputs: [slabValue('copies'), slabValue('numCopies'), cache, cache],
    outputs: [copied],
    attributes: [pool],
  }
}
