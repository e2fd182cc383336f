import { type NodeSpec, TrtllmError } from '@trtllm/kernels'
import { arenaFormula, layOutArena } from './arena.js'
import { type CachePool, kvBytesPerToken, layOutCaches } from './cache-layout.js'
import { largestStep, type StepSizes } from './extent.js'
import { type Graph, paramsOf } from './graph.js'
import { lifetimesOf } from './liveness.js'
import type { PlanMemory } from './memory.js'
import { OperandTable, type UnboundOperand } from './operands.js'
import type { PlanDevice } from './plan-device.js'
import { pageTokens, type StepLayout, type StepLimits, stepLayout } from './step-layout.js'
import type { Value } from './value.js'
import { type PlacedParam, placeParams } from './weight-layout.js'

/** The limits a caller chooses; pools and page size follow from the graph. */
export type PlanLimits = Omit<StepLimits, 'numPools' | 'pageTokens'> & Partial<StepLimits>

export interface CompileOptions {
  readonly limits: PlanLimits
  readonly device: PlanDevice
}

/** A graph with a place for everything: all but the buffers. */
export interface CompiledPlan {
  readonly graph: Graph
  readonly device: Pick<PlanDevice, 'kind' | 'matrixLayout'>
  /** Largest step, as the native plan wants it. */
  readonly limits: StepSizes
  readonly layout: StepLayout
  readonly operands: readonly UnboundOperand[]
  readonly nodes: readonly NodeSpec[]
  readonly params: readonly PlacedParam[]
  readonly pools: readonly CachePool[]
  readonly memory: PlanMemory
  /** Operand of a value of the graph that some node has; undefined for others. */
  readonly operandOf: (value: Value) => number | undefined
}

/** Lays out weights, caches, arena and operands of a graph. Needs no device but its way of keeping matrices. */
export function compile(graph: Graph, { limits, device }: CompileOptions): CompiledPlan {
  const caches = layOutCaches(graph.caches)
  const layout = stepLayout(completeLimits(limits, caches.pools.length))
  const largest = largestStep(layout.limits)
  const weights = placeParams(paramsOf(graph), device)
  const lifetimes = lifetimesOf(graph)
  const spans = [...lifetimes.values()]
  const arena = layOutArena(spans, largest)

  const table = new OperandTable(graph, {
    layout,
    caches,
    params: new Map(weights.params.map((param) => [param.path, param])),
    arena: new Map([...lifetimes.keys()].map((value, i) => [value, arena.offsets[i]!])),
    device,
  })
  const nodes = graph.nodes.map((node) => ({
    op: node.op.name,
    operands: [...node.inputs, ...node.outputs].map((value) => table.indexOf(value)),
    attributes: [...node.attributes],
    label: node.path,
  }))
  return {
    graph,
    device: { kind: device.kind, matrixLayout: device.matrixLayout },
    limits: largest,
    layout,
    operands: table.operands,
    nodes,
    params: weights.params,
    pools: caches.pools,
    memory: {
      weightsBytes: weights.bytes,
      arenaBytes: arena.bytes,
      arenaFormula: arenaFormula(spans),
      stateBytes: layout.stateWords * 4,
      stepBytes: (layout.slabWords + layout.resultWords) * 4,
      kvBytesPerToken: kvBytesPerToken(caches.pools),
    },
    operandOf: (value) => table.find(value),
  }
}

function completeLimits(limits: PlanLimits, numPools: number): StepLimits {
  if (limits.numPools !== undefined && limits.numPools !== numPools) {
    throw new TrtllmError(
      'contradictory_config',
      `numPools is ${limits.numPools}, the model's attentions need ${numPools}: leave it out`,
    )
  }
  return { ...limits, pageTokens, numPools: Math.max(1, numPools) }
}
