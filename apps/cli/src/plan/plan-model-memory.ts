import type { CompiledPlan } from '@trtllm/graph'
import type { FloatDType } from '@trtllm/kernels'
import { parseModelConfig } from '@trtllm/models'
import { resolveModel } from '@trtllm/models/checkpoint'
import { TrtllmError } from 'trtllm'
import {
  checkLoadOptions,
  engineConfig,
  type LoadOptions,
  type MemoryOffer,
  type ModelPlanner,
  modelPlanner,
  type Sizes,
} from 'trtllm/plan-model'
import { planTarget } from './plan-target.js'

/** What to plan. `load` has the options that loading the model would have. */
export interface PlanOptions {
  /** A model directory, a config.json, or a hub id. */
  readonly model: string
  readonly load: LoadOptions
  /** Ranks the model is split over; the plan is that of rank 0. */
  readonly ranks: number
  readonly gpuMemory?: string | undefined
}

/** A model's plan and how the memory is used, or why it does not fit. */
export interface PlannedModel {
  readonly name: string
  readonly architecture: string
  readonly compiled: CompiledPlan
  readonly offer: MemoryOffer
  /** Sizes planned with; the sequence length may be lower than the model allows. */
  readonly sizes: Sizes
  readonly wantedSizes: Sizes
  /** Pages of the KV cache; 0 where it does not fit. */
  readonly pages: number
  readonly kvBytes: number
  /** Set where not even one sequence fits: need, have and what would fit. */
  readonly refusal?: string
}

/** Plans a model as loading it would, from its config alone. @throws TrtllmError naming file, flag or path. */
export async function planModelMemory({
  model: path,
  load,
  ranks,
  gpuMemory,
}: PlanOptions): Promise<PlannedModel> {
  checkLoadOptions(load)
  const directory = await resolveModel(path, { weights: false })
  const model = await parseModelConfig(directory)
  using target = planTarget(load.device ?? 'null', gpuMemory)
  const { device, offer } = target
  const config = engineConfig(directory, load)
  const dtype: FloatDType = config.dtype === 'auto' ? (model.dtype ?? 'bf16') : config.dtype
  const mesh = { size: ranks, rank: 0 }
  const planner = modelPlanner({ model, dtype, config, device, offer, mesh })
  const { name, architecture } = model
  try {
    const plan = planner.planMemory()
    return { name, architecture, offer, wantedSizes: planner.sizes, ...plan }
  } catch (error) {
    if (!(error instanceof TrtllmError) || error.code !== 'out_of_memory') throw namedByFlag(error, ranks)
    const { sizes } = planner
    const more = fittingRanks(ranks, offer, (size) =>
      modelPlanner({ model, dtype, config, device, offer, mesh: { size, rank: 0 } }),
    )
    const refusal = more === undefined ? error.message : `${error.message}; on more GPUs: --tp ${more}`
    const compiled = planner.compileSizes(sizes)
    return { name, architecture, offer, sizes, wantedSizes: sizes, compiled, pages: 0, kvBytes: 0, refusal }
  }
}

/** The least doubling of `ranks` that fits, up to the GPUs of a large host. */
function fittingRanks(
  ranks: number,
  { kind }: MemoryOffer,
  plannerOf: (ranks: number) => ModelPlanner,
): number | undefined {
  for (let size = 2 * ranks; kind === 'cuda' && size <= 16; size *= 2) {
    try {
      plannerOf(size).planMemory()
      return size
    } catch {
      // Too little memory still, or the model does not divide so.
    }
  }
  return undefined
}

/** What cannot be split is the fault of the flag. */
function namedByFlag(error: unknown, ranks: number): unknown {
  if (!(error instanceof TrtllmError) || error.code !== 'contradictory_config' || ranks === 1) return error
  if (!error.message.includes('ranks')) return error
  return new TrtllmError(error.code, `--tp ${ranks}: ${error.message}; choose a number that divides it`)
}
