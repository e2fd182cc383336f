import { cudaStatus, Device } from '@trtllm/kernels'
import { parseModelConfig } from '@trtllm/models'
import { resolveModel } from '@trtllm/models/checkpoint'
import { checkLoadOptions, engineConfig, type LoadOptions, modelPlanner } from 'trtllm/plan-model'
import type { ModelFlags } from '../flags/model-flags.js'
import { measureRoofline } from './measure-roofline.js'
import { type ModelWork, modelWorkOf } from './model-work.js'
import { type RooflineConstants, rooflineBound } from './roofline.js'
import { type TunedSizes, tuneSizes } from './tune-sizes.js'

/** Equal requests of random ids. */
export interface UniformCell {
  readonly requests: number
  readonly isl: number
  readonly osl: number
  /** Requests at a time; Infinity: all at once. */
  readonly concurrency: number
}

/** What is known of a cell before its model is loaded. */
export interface BenchPlan {
  readonly tuned: TunedSizes & { readonly maxSeqLen: number }
  readonly work: ModelWork
  readonly constants: RooflineConstants
}

/** Chooses sizes for a cell and measures what the device can do; the device is free again afterwards. */
export async function planBench(model: string, load: LoadOptions, cell: UniformCell): Promise<BenchPlan> {
  checkLoadOptions(load)
  const { revision, loadFormat, threads } = load
  const directory = await resolveModel(model, {
    weights: loadFormat !== 'dummy',
    ...(revision !== undefined && { revision }),
  })
  const parsed = await parseModelConfig(directory)
  using device = Device.open(usableDevice(load.device), threads === undefined ? {} : { threads })
  const config = engineConfig(directory, load)
  const dtype = config.dtype === 'auto' ? (parsed.dtype ?? 'bf16') : config.dtype
  const { kind, name } = device
  const { freeBytes } = device.info()
  const planner = modelPlanner({ model: parsed, dtype, config, device, offer: { kind, name, freeBytes } })
  const maxSeqLen = Math.min(cell.isl + cell.osl, planner.sizes.maxSeqLen)
  const compiled = planner.compileSizes({ maxBatchSize: 1, maxNumTokens: 64, maxSeqLen })
  const work = modelWorkOf(compiled)
  const { weightsBytes, kvBytesPerToken } = compiled.memory
  // No more than this pays on a CPU: larger steps only delay first tokens.
  const onCpu = { maxBatchSize: 64, maxNumTokens: 512 }
  const tuned = kind === 'cpu' ? onCpu : tuneSizes({ freeBytes, weightsBytes, kvBytesPerToken, ...cell })
  const maxBatchSize = Math.min(tuned.maxBatchSize, cell.requests, cell.concurrency)
  const constants = await measureRoofline(device, dtype, work.linearsAreF8 || work.attentionIsF8)
  return { tuned: { maxNumTokens: tuned.maxNumTokens, maxBatchSize, maxSeqLen }, work, constants }
}

/** What the flags leave open is chosen for the cell. */
export function withSizes<Flags extends ModelFlags>(flags: Flags, { tuned }: BenchPlan): Flags {
  const maxBatchSize =
    flags.maxBatchSize ?? Math.min(tuned.maxBatchSize, flags.maxNumTokens ?? Number.POSITIVE_INFINITY)
  const maxNumTokens = flags.maxNumTokens ?? Math.max(tuned.maxNumTokens, maxBatchSize)
  return { ...flags, maxBatchSize, maxNumTokens, maxSeqLen: flags.maxSeqLen ?? tuned.maxSeqLen }
}

/** The bound of a cell with the sizes that the engine really has, and the share of it that was reached. */
export function rooflineReport(
  { work, constants }: BenchPlan,
  { concurrency, ...cell }: UniformCell,
  engine: { readonly maxBatchSize: number; readonly maxNumTokens: number; readonly kvTokens: number },
  totalMs: number,
) {
  const held = Math.max(1, Math.floor(engine.kvTokens / (cell.isl + cell.osl)))
  const maxBatchSize = Math.min(engine.maxBatchSize, held, concurrency)
  const bound = rooflineBound(work, { ...cell, maxBatchSize, maxNumTokens: engine.maxNumTokens }, constants)
  return {
    copy_bytes_per_s: Math.round(constants.copyBytesPerS),
    float_flops_per_s: Math.round(constants.floatFlopsPerS),
    f8_flops_per_s: Math.round(constants.f8FlopsPerS),
    bound_total_latency_ms: bound.seconds * 1000,
    bound_output_throughput_tok_s: bound.outputTokPerS,
    bound_steps: bound.steps,
    share_of_bound: (bound.seconds * 1000) / totalMs,
  }
}

/** What `rooflineReport` tells. */
export type RooflineReport = ReturnType<typeof rooflineReport>

/** What `auto` will be. */
export const usableDevice = (name = 'auto'): string =>
  name !== 'auto' ? name : cudaStatus().devices > 0 ? 'cuda' : 'cpu'
