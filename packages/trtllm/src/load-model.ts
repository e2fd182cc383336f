import {
  type CompiledPlan,
  compilePageCopies,
  instantiate,
  instantiatePart,
  pageTokens,
  probeNamed,
} from '@trtllm/graph'
import type { Device, Buffer as DeviceBuffer, FloatDType, NodeSpec, Plan } from '@trtllm/kernels'
import { type ModelConfig, parseModelConfig } from '@trtllm/models'
import {
  type Checkpoint,
  cacheScalesOf,
  dummyParams,
  loadParams,
  openCheckpoint,
  weightsDigest,
} from '@trtllm/models/checkpoint'
import type { CompiledModel, ModelInfo } from '@trtllm/runtime'
import type { EngineConfig } from './load-options.js'
import type { MemoryPlan } from './memory-plan.js'
import { openDevice } from './open-device.js'
import { modelPlanner } from './plan-model.js'

/** How loading goes: a stage, and what is done of how much. */
export type Progress = (stage: string, done: number, total: number) => void

/** What is known of a loaded model, beyond what the engine needs. Plain data. */
export interface EngineInfo extends ModelInfo {
  /** What keys and values are kept in, as the option spells it. */
  readonly kvCacheDtype: FloatDType | 'fp8'
  /** Seconds each stage of loading took. */
  readonly loadSeconds: Readonly<Record<string, number>>
  /** Tensors of the checkpoint that the model does not use, at most 16 of them. */
  readonly unusedTensors: readonly string[]
  /** Whether it was loaded with `deterministic`. */
  readonly deterministic: boolean
}

/** A model on its device, ready for an engine. Dispose of it when that has closed. */
export interface LoadedModel extends CompiledModel, Disposable {
  readonly info: EngineInfo
  readonly compiled: CompiledPlan
  /** Some of its nodes as a plan of their own, see `instantiatePart`. The caller disposes of it. */
  readonly part: (nodes: readonly NodeSpec[], arena: DeviceBuffer) => Plan
}

/**
 * Loads a model: opens the device, reads the config, plans the memory, and only then allocates it and fills in the
 * weights. What was opened is closed when a stage fails. @throws TrtllmError naming what was wrong and the remedy.
 */
export async function loadModel(config: EngineConfig, progress: Progress): Promise<LoadedModel> {
  using owned = new Resources()
  const stages = new Stages(progress)
  const device = owned.use(
    await stages.run('opening device', () => openDevice(config.device, config.threads)),
  )
  const source = await stages.run('reading checkpoint', () => openSource(config))
  if (source.checkpoint) owned.use(source.checkpoint)
  const plan = await stages.run('planning memory', () => planModel(config, device, source))
  const buffers = await stages.run('allocating memory', () => allocate(device, plan, owned))
  const unusedTensors = await stages.run('loading weights', (tell) =>
    fillWeights(source, plan.compiled, device, buffers.weights, tell),
  )
  const native = owned.use(
    await stages.run('making plan', () =>
      instantiate(plan.compiled, { device, ...buffers }, config.deterministic),
    ),
  )
  const pageCopies = owned.use(instantiate(compilePageCopies(plan.compiled, device), { device, ...buffers }))
  const digest = source.checkpoint ? weightsDigest(source.checkpoint) : 'dummy'
  source.checkpoint?.close()
  const { compiled, sizes } = plan
  const { model } = source
  const { vocabSize, rope } = model.config
  const keeps = owned.move()
  return {
    device,
    plan: native,
    pageCopies,
    layout: compiled.layout,
    pools: compiled.pools.map(({ window }, pool) => ({ pages: plan.poolPages[pool]!, pageTokens, window })),
    vocabSize,
    eosIds: model.eosIds,
    // Pages of a deterministic engine may hold other bits than those of a fast one.
    cacheKey: [
      ...[digest, model.name, compiled.graph.dtype, config.quant, cacheDtypeOf(compiled)],
      config.deterministic ?? false,
    ].join(' '),
    maxSeqLen: sizes.maxSeqLen,
    ...(rope.longAbove !== undefined && { longRopeFromTokens: rope.longAbove }),
    logitsOperand: probeNamed(compiled, 'logits').operand,
    info: infoOf(model, device, plan, {
      loadSeconds: stages.seconds,
      unusedTensors: unusedTensors.slice(0, 16),
      deterministic: config.deterministic ?? false,
    }),
    compiled,
    part: (nodes, arena) => instantiatePart(compiled, { device, ...buffers }, nodes, arena),
    [Symbol.dispose]: () => keeps[Symbol.dispose](),
  }
}

/** Where config and weights come from; there is no checkpoint when the weights are made up. */
interface Source {
  readonly model: ModelConfig
  readonly checkpoint?: Checkpoint
}

async function openSource({ loadFormat, directory }: EngineConfig): Promise<Source> {
  if (loadFormat === 'dummy') return { model: await parseModelConfig(directory) }
  const checkpoint = await openCheckpoint(directory)
  return { model: checkpoint.model, checkpoint }
}

function planModel(config: EngineConfig, device: Device, source: Source): MemoryPlan {
  const { kind, name } = device
  const { freeBytes } = device.info()
  return modelPlanner({
    ...(source.checkpoint && { cacheScalesOf: cacheScalesOf(source.checkpoint) }),
    model: source.model,
    dtype: config.dtype === 'auto' ? dtypeOf(source) : config.dtype,
    config,
    device,
    offer: { kind, name, freeBytes },
  }).planMemory()
}

/** The dtype the config states, or else that of the checkpoint's first float tensor. */
function dtypeOf({ model, checkpoint }: Source): FloatDType {
  const names: Readonly<Record<string, FloatDType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' }
  if (model.dtype) return model.dtype
  for (const { dtype } of checkpoint?.tensors.values() ?? []) if (names[dtype]) return names[dtype]
  return 'bf16'
}

interface Buffers {
  readonly weights: DeviceBuffer
  readonly state: DeviceBuffer
  readonly caches: DeviceBuffer[][]
}

function allocate(device: Device, { compiled, poolPages }: MemoryPlan, owned: Resources): Buffers {
  const { memory, pools } = compiled
  const buffer = (bytes: number, label: string) => owned.use(device.allocate(bytes, label))
  const weights = buffer(memory.weightsBytes, 'weights')
  const state = buffer(memory.stateBytes, 'slot state')
  state.fill(0)
  const caches = pools.map((pool, index) =>
    pool.caches.map((path) => buffer(pool.pageBytes * poolPages[index]!, `KV cache of ${path}`)),
  )
  return { weights, state, caches }
}

async function fillWeights(
  { checkpoint }: Source,
  { params }: CompiledPlan,
  device: Device,
  weights: DeviceBuffer,
  tell: (done: number, total: number) => void,
): Promise<string[]> {
  if (checkpoint) return await loadParams(checkpoint, params, device, weights, tell)
  dummyParams(params, device, weights)
  return []
}

function infoOf(
  model: ModelConfig,
  device: Device,
  { compiled, sizes, pages, kvBytes }: MemoryPlan,
  more: Pick<EngineInfo, 'loadSeconds' | 'unusedTensors' | 'deterministic'>,
): EngineInfo {
  const { weightsBytes, arenaBytes, kvBytesPerToken, stateBytes } = compiled.memory
  const { name, detail } = device.info()
  return {
    name: model.name,
    architecture: model.architecture,
    vocabSize: model.config.vocabSize,
    ...sizes,
    eosIds: model.eosIds,
    dtype: compiled.graph.dtype,
    kvCacheDtype: cacheDtypeOf(compiled),
    device: { kind: device.kind, name, detail },
    memory: { weightsBytes, arenaBytes, kvBytes, kvBytesPerToken, stateBytes },
    kvTokens: pages * pageTokens,
    ...more,
  }
}

/** What keys and values are kept in; a model without attention keeps none. */
function cacheDtypeOf({ pools, graph }: CompiledPlan): EngineInfo['kvCacheDtype'] {
  const dtype = pools[0]?.dtype ?? graph.dtype
  return dtype === 'f8' ? 'fp8' : dtype
}

/** Runs stages one after the other, tells of them and keeps their seconds. */
class Stages {
  readonly seconds: Record<string, number> = {}
  readonly #progress: Progress

  constructor(progress: Progress) {
    this.#progress = progress
  }

  async run<T>(
    name: string,
    work: (tell: (done: number, total: number) => void) => T | Promise<T>,
  ): Promise<T> {
    const startMs = performance.now()
    this.#progress(name, 0, 1)
    // A large checkpoint has hundreds of tensors; a message each ten milliseconds is plenty.
    let toldMs = startMs
    const result = await work((done, total) => {
      if (performance.now() - toldMs < 10 && done < total) return
      toldMs = performance.now()
      this.#progress(name, done, total)
    })
    this.seconds[name] = (performance.now() - startMs) / 1000
    return result
  }
}

/** Resources that are given back in the reverse order. Node 20 has no DisposableStack. */
class Resources implements Disposable {
  #resources: Disposable[] = []

  use<T extends Disposable>(resource: T): T {
    this.#resources.push(resource)
    return resource
  }

  /** Hands everything over to a new owner. */
  move(): Resources {
    const moved = new Resources()
    moved.#resources = this.#resources
    this.#resources = []
    return moved
  }

  [Symbol.dispose](): void {
    for (const resource of this.#resources.splice(0).reverse()) resource[Symbol.dispose]()
  }
}
