import { randomBytes } from 'node:crypto'
import { TrtllmError } from '@trtllm/kernels'
import type { KvCacheOptions } from './cache/kv-cache.js'
import { type Clock, systemClock } from './clock.js'
import type { EngineModel } from './compiled-model.js'
import {
  type BatchWait,
  type CapacityPolicy,
  type ChunkingPolicy,
  defaultReserveTokens,
  deltaCapacity,
  noBatchWait,
  type SchedulerLimits,
} from './scheduler/budget.js'
import { mostWindowPages } from './scheduler/reservation.js'
import type { StepExecutor } from './step/step-executor.js'
import type { TurnOutputs } from './turn-outputs.js'

export interface EngineOptions {
  /** Receives what a turn of the engine brought; `step` counts the steps read so far. */
  readonly onOutputs: (outputs: TurnOutputs, step: number) => void
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
  /** FIRST_COME_FIRST_SERVED by default. */
  readonly chunking?: ChunkingPolicy
  /** When to wait for a fuller batch; never by default. */
  readonly batchWait?: Partial<BatchWait>
  /** Whether a request waits for a prefix that another one is computing; true by default. */
  readonly prefixAware?: boolean
  /** Whether cached prefixes are reused; true by default. */
  readonly enableBlockReuse?: boolean
  /** Whether the first tokens of a cached page are reused by copying them; true by default, where the device can copy. */
  readonly enablePartialReuse?: boolean
  /** Without it no page is reused in part: ours are never taken over from the prefix that they belong to. */
  readonly copyOnPartialReuse?: boolean
  /** KV cache events kept until they are read; 0 (none) by default. */
  readonly eventBufferMaxSize?: number
  /** Requests that may wait; more end with `overloaded`. Unbounded by default: a server bounds its own queue. */
  readonly maxQueuedRequests?: number
  /** Failed steps in a row that end the engine; 3 by default. */
  readonly maxFailedSteps?: number
  readonly clock?: Clock
  /** Seed of a request that brings none; random by default. */
  readonly drawSeed?: () => bigint
}

type SchedulingOption = 'policy' | 'reserveTokens' | 'chunking' | 'batchWait' | 'prefixAware'
type CacheOption = 'enableBlockReuse' | 'enablePartialReuse' | 'copyOnPartialReuse' | 'eventBufferMaxSize'

export interface ResolvedOptions
  extends Required<Omit<EngineOptions, 'maxBatchSize' | 'maxNumTokens' | SchedulingOption | CacheOption>> {
  readonly scheduling: SchedulerLimits
  readonly cache: Required<KvCacheOptions>
  /** Tokens of a sequence that fit both the model and the KV cache. */
  readonly maxSeqLen: number
}

/** Fills in defaults. Throws `contradictory_config` when a step of these limits could not always advance. */
export function resolveOptions(
  model: EngineModel,
  executor: Pick<StepExecutor, 'depth' | 'copiesPages'>,
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
  const maxInFlightSteps = Math.min(options.maxInFlightSteps ?? 2, executor.depth) as 1 | 2
  const scheduling: SchedulerLimits = {
    maxBatchSize,
    maxNumTokens,
    maxRows: limits.maxRows,
    maxDeltas,
    maxDeltaWords,
    pageTokens,
    numPools,
    windows: model.pools.map(({ window }) => window),
    maxInFlightSteps,
    chunking: options.chunking ?? 'FIRST_COME_FIRST_SERVED',
    batchWait: { ...noBatchWait, ...options.batchWait },
    prefixAware: options.prefixAware ?? true,
    policy: options.policy ?? 'RESERVE_AND_GROW',
    reserveTokens: options.reserveTokens ?? defaultReserveTokens,
  }
  const maxSeqLen = Math.min(model.maxSeqLen, limits.maxSeqLen, kvTokens(model, scheduling))
  return {
    onOutputs: options.onOutputs,
    onFault: options.onFault,
    maxInFlightSteps,
    maxQueuedRequests: options.maxQueuedRequests ?? Number.POSITIVE_INFINITY,
    maxFailedSteps: options.maxFailedSteps ?? 3,
    clock: options.clock ?? systemClock,
    drawSeed: options.drawSeed ?? (() => randomBytes(8).readBigUInt64LE()),
    maxSeqLen,
    scheduling,
    cache: {
      reuse: options.enableBlockReuse ?? true,
      partialReuse:
        (executor.copiesPages ?? false) &&
        (options.enablePartialReuse ?? true) &&
        (options.copyOnPartialReuse ?? true),
      eventCapacity: options.eventBufferMaxSize ?? 0,
      maxWindow: maxSeqLen,
    },
  }
}

/** Longest sequence that the pools can hold. A window pool holds any length once it has room for the window. */
function kvTokens({ pools }: EngineModel, limits: SchedulerLimits): number {
  const lengths = pools.map(({ pages, window, pageTokens }) => {
    const isEnough = window > 0 && pages >= mostWindowPages(window, limits.maxNumTokens, limits)
    return isEnough ? Number.POSITIVE_INFINITY : pages * pageTokens
  })
  return Math.min(...lengths)
}
