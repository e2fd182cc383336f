import { randomBytes } from 'node:crypto'
import { TrtllmError } from '@trtllm/kernels'
import { type Clock, systemClock } from './clock.js'
import type { EngineModel } from './compiled-model.js'
import type { Output } from './request.js'
import {
  type CapacityPolicy,
  defaultReserveTokens,
  deltaCapacity,
  type SchedulerLimits,
} from './scheduler/budget.js'

export interface EngineOptions {
  /** Receives what a turn of the engine brought; `step` counts the steps read so far. */
  readonly onOutputs: (outputs: Output[], step: number) => void
  /** Called once when the engine cannot go on; all requests have ended by then. */
  readonly onFault: (error: TrtllmError) => void
  /** Steps submitted before the results of the first are read: 1, or 2 (default) to overlap host and device. */
  readonly maxInFlightSteps?: 1 | 2
  /** Lower than what the plan allows, when given. */
  readonly maxBatchSize?: number
  readonly maxNumTokens?: number
  /** RESERVE_AND_GROW by default. */
  readonly policy?: CapacityPolicy
  /** Tokens that a request without maxTokens reserves; 2048 by default. */
  readonly reserveTokens?: number
  /** Requests that may wait; more end with `overloaded`. Unbounded by default: a server bounds its own queue. */
  readonly maxQueuedRequests?: number
  /** Failed steps in a row that end the engine; 3 by default. */
  readonly maxFailedSteps?: number
  readonly clock?: Clock
  /** Seed of a request that brings none; random by default. */
  readonly drawSeed?: () => bigint
}

export interface ResolvedOptions
  extends Required<Omit<EngineOptions, 'maxBatchSize' | 'maxNumTokens' | 'policy' | 'reserveTokens'>> {
  readonly scheduling: SchedulerLimits
  /** Tokens of a sequence that fit both the model and the KV cache. */
  readonly maxSeqLen: number
}

/** Fills in defaults. Throws `contradictory_config` when a step of these limits could not always advance. */
export function resolveOptions(
  model: EngineModel,
  executorDepth: number,
  options: EngineOptions,
): ResolvedOptions {
  const { limits } = model.layout
  const maxNumTokens = Math.min(options.maxNumTokens ?? limits.maxTokens, limits.maxTokens)
  const maxBatchSize = Math.min(
    options.maxBatchSize ?? limits.maxSeqs,
    limits.maxSeqs,
    limits.numSlots,
    limits.maxRows,
    maxNumTokens,
  )
  const { maxDeltas, maxDeltaWords, pageTokens, numPools } = limits
  const { least } = deltaCapacity({ maxBatchSize, maxNumTokens, pageTokens, numPools })
  if (maxDeltas < least.maxDeltas || maxDeltaWords < least.maxDeltaWords) {
    throw new TrtllmError(
      'contradictory_config',
      `the step slab holds ${maxDeltas} deltas of ${maxDeltaWords} words, a batch of ${maxBatchSize} needs at least ${least.maxDeltas} of ${least.maxDeltaWords}; lower max_batch_size`,
    )
  }
  const maxInFlightSteps = Math.min(options.maxInFlightSteps ?? 2, executorDepth) as 1 | 2
  const kvTokens = Math.min(...model.pools.map(({ pages }) => pages * pageTokens))
  return {
    onOutputs: options.onOutputs,
    onFault: options.onFault,
    maxInFlightSteps,
    maxQueuedRequests: options.maxQueuedRequests ?? Number.POSITIVE_INFINITY,
    maxFailedSteps: options.maxFailedSteps ?? 3,
    clock: options.clock ?? systemClock,
    drawSeed: options.drawSeed ?? (() => randomBytes(8).readBigUInt64LE()),
    maxSeqLen: Math.min(model.maxSeqLen, limits.maxSeqLen, kvTokens),
    scheduling: {
      maxBatchSize,
      maxNumTokens,
      maxRows: limits.maxRows,
      maxDeltas,
      maxDeltaWords,
      pageTokens,
      numPools,
      policy: options.policy ?? 'RESERVE_AND_GROW',
      reserveTokens: options.reserveTokens ?? defaultReserveTokens,
    },
  }
}
