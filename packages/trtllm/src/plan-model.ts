import {
  type CacheFormat,
  type CompiledPlan,
  compile,
  type Graph,
  type Mesh,
  type Pass,
  type PlanDevice,
  trace,
} from '@trtllm/graph'
import { type CacheDType, type FloatDType, TrtllmError } from '@trtllm/kernels'
import type { ModelConfig } from '@trtllm/models'
import { quantizeWeights, readStoredWeights, weightFormats } from '@trtllm/quant'
import type { EngineConfig } from './load-options.js'
import {
  type CompileSizes,
  type Instead,
  type MemoryOffer,
  type MemoryPlan,
  planMemory,
} from './memory-plan.js'
import { planLimits, type Sizes, wantedSizes } from './step-limits.js'

export { type LoadedModel, loadModel, type Progress } from './load-model.js'
export { checkLoadOptions, type EngineConfig, engineConfig, type LoadOptions } from './load-options.js'
export type { MemoryOffer, MemoryPlan } from './memory-plan.js'
export type { Sizes } from './step-limits.js'
export { workspaceBytes } from './workspace-bytes.js'

/** What a model is planned from. Nothing of it is allocated or read. */
export interface PlanRequest {
  readonly model: ModelConfig
  readonly dtype: FloatDType
  readonly config: EngineConfig
  readonly device: PlanDevice
  readonly offer: MemoryOffer
  /** Default: one rank. */
  readonly mesh?: Mesh
  /** Scales of f8 caches. Default: 1. */
  readonly cacheScalesOf?: CacheFormat['scalesOf']
}

/** A model that can be laid out for any sizes; it is traced once for each dtype and format of the cache. */
export interface ModelPlanner {
  /** What was asked for, with defaults. */
  readonly sizes: Sizes
  readonly compileSizes: CompileSizes
  /** Sizes and pages that fit what is offered. @throws TrtllmError out_of_memory with what would fit. */
  planMemory(): MemoryPlan
}

/** Traces and lays out a model as loading it would. @throws TrtllmError contradictory_config, bad_flag. */
export function modelPlanner(request: PlanRequest): ModelPlanner {
  const { model, dtype, config, device, offer, mesh, cacheScalesOf } = request
  const kept = cacheDtypeOf(config, dtype)
  const quantization = quantizationOf(model, config)
  const graphs = new Map<string, Graph>()
  const graphOf = (own: FloatDType, cacheDtype: CacheDType): Graph => {
    const options = {
      dtype: own,
      cache: { dtype: cacheDtype, ...(cacheScalesOf && { scalesOf: cacheScalesOf }) },
      ...(quantization && { quantization }),
      disabledPasses: config.disabledPasses ?? [],
      name: model.name,
      ...(mesh && { mesh }),
    }
    const key = `${own} ${cacheDtype}`
    const graph = graphs.get(key) ?? trace(model.definition, model.config, options)
    graphs.set(key, graph)
    return graph
  }
  const compileSizes = (sizes: Sizes, instead: Instead = {}): CompiledPlan => {
    const own = instead.dtype ?? dtype
    const graph = graphOf(own, instead.kvCacheDtype ?? (kept === 'f8' ? 'f8' : own))
    const numPools = new Set(graph.caches.map(({ pool }) => pool)).size
    return compile(graph, { limits: planLimits(sizes, Math.max(1, numPools)), device })
  }
  const sizes = wantedSizes(config, offer.kind, model.config.maxSeqLen)
  return { sizes, compileSizes, planMemory: () => planMemory(sizes, config, offer, compileSizes) }
}

/** Weights that a checkpoint keeps in 8 bits stay as they are; `--quant fp8` asks for no more than that. */
function quantizationOf({ name, storedWeights }: ModelConfig, { quant }: EngineConfig): Pass | undefined {
  const format = weightFormats.get(quant)
  if (!storedWeights) return format && quantizeWeights(format)
  if (format && format.dtype !== 'f8') {
    throw new TrtllmError(
      'bad_flag',
      `quant is ${quant}, but ${name} keeps its weights as ${storedWeights.method}: leave it out`,
    )
  }
  return readStoredWeights(storedWeights)
}

function cacheDtypeOf({ kvCacheDtype }: EngineConfig, dtype: FloatDType): CacheDType {
  if (kvCacheDtype === undefined) return dtype
  if (kvCacheDtype === 'f8' || kvCacheDtype === dtype) return kvCacheDtype
  throw new TrtllmError(
    'contradictory_config',
    `kvCacheDtype ${kvCacheDtype} with dtype ${dtype}: keys and values are kept in fp8 or in the dtype that the model computes in; use kvCacheDtype fp8 or auto, or dtype ${kvCacheDtype}`,
  )
}
