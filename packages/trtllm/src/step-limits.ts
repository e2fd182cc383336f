import { type PlanLimits, pageTokens } from '@trtllm/graph'
import { type DeviceKind, TrtllmError } from '@trtllm/kernels'
import { deltaCapacity } from '@trtllm/runtime'
import type { EngineConfig } from './load-options.js'

/** Sizes a model is planned for. */
export interface Sizes {
  readonly maxBatchSize: number
  readonly maxNumTokens: number
  readonly maxSeqLen: number
}

/** Logits rows of a step at least: prompts that want all their logits get this many at a time. */
const leastRows = 64

const defaults: Readonly<Record<DeviceKind, Omit<Sizes, 'maxSeqLen'>>> = {
  cuda: { maxBatchSize: 256, maxNumTokens: 8192 },
  cpu: { maxBatchSize: 64, maxNumTokens: 512 },
  null: { maxBatchSize: 64, maxNumTokens: 512 },
}

/**
 * The sizes wanted, with defaults by device. @throws TrtllmError contradictory_config when a batch does not fit in a
 * step or a sequence is longer than the model is made for.
 */
export function wantedSizes(config: EngineConfig, kind: DeviceKind, modelMaxSeqLen: number): Sizes {
  const usual = defaults[kind]
  const { maxSeqLen = modelMaxSeqLen } = config
  if (maxSeqLen > modelMaxSeqLen) {
    throw new TrtllmError(
      'contradictory_config',
      `maxSeqLen ${maxSeqLen} is beyond the ${modelMaxSeqLen} positions that the model's config.json allows; lower it`,
    )
  }
  const { maxBatchSize: batch, maxNumTokens: tokens } = config
  if (batch !== undefined && tokens !== undefined && batch > tokens) {
    throw new TrtllmError(
      'contradictory_config',
      `maxBatchSize ${batch} is above maxNumTokens ${tokens}, but each sequence needs a token of a step; lower the first or raise the second`,
    )
  }
  return {
    maxSeqLen,
    maxBatchSize: batch ?? Math.min(usual.maxBatchSize, tokens ?? usual.maxBatchSize),
    maxNumTokens: tokens ?? Math.max(usual.maxNumTokens, batch ?? 0),
  }
}

/** The limits of a plan for these sizes. */
export function planLimits({ maxBatchSize, maxNumTokens, maxSeqLen }: Sizes, numPools: number): PlanLimits {
  const { maxDeltas, maxDeltaWords } = deltaCapacity({ maxBatchSize, maxNumTokens, pageTokens, numPools })
  return {
    maxTokens: maxNumTokens,
    maxRows: Math.max(maxBatchSize, Math.min(leastRows, maxNumTokens)),
    maxSeqs: maxBatchSize,
    // An ended sequence keeps its slot until its last step is read; the spare ones let the next begin meanwhile.
    numSlots: maxBatchSize + Math.ceil(maxBatchSize / 8),
    maxSeqLen,
    maxDeltas,
    maxDeltaWords,
  }
}
