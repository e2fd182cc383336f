import type { CapacityPolicy, ChunkingPolicy, EngineOptions } from '@trtllm/runtime'
import { type Check, isBoolean, oneOf, which, whole } from './option-checks.js'

/** Who runs when, and what the cache keeps; under TensorRT-LLM's names. Everything is optional. */
export interface RuntimeOptions {
  /** Who may run when the KV cache is full. Default `RESERVE_AND_GROW`. */
  capacitySchedulerPolicy?: CapacityPolicy | undefined
  /** Tokens that a request without `maxTokens` reserves in the cache; it grows beyond them. Default 2048. */
  reserveTokens?: number | undefined
  /** How prompts share a step that cannot hold them all. Default `FIRST_COME_FIRST_SERVED`. */
  contextChunkingPolicy?: ChunkingPolicy | undefined
  /** Milliseconds that prompts may wait for others to fill a batch. Default 0. */
  batchWaitTimeoutMs?: number | undefined
  /** Steps that prompts may wait for others while answers go on. Default 0. */
  batchWaitTimeoutIters?: number | undefined
  /** Share of `maxNumTokens` that is worth a step without further waiting. Default 1. */
  batchWaitMaxTokensRatio?: number | undefined
  /** Whether a request waits for a prefix that another one is computing. Default true. */
  prefixAwareScheduling?: boolean | undefined
  /** Whether the next step waits until this one has been read. Default false. */
  disableOverlapScheduler?: boolean | undefined
  /** Whether cached prefixes are reused. Default true. */
  enableBlockReuse?: boolean | undefined
  /** Whether the first tokens of a cached page are reused too. Default true. */
  enablePartialReuse?: boolean | undefined
  /** Whether that is done by copying, which is the only way there is here. Default true. */
  copyOnPartialReuse?: boolean | undefined
  /** KV cache events kept until `getKvCacheEvents` reads them. Default 0: none. */
  eventBufferMaxSize?: number | undefined
}

/** What is wrong with a value of each. */
export const runtimeChecks: Readonly<Record<keyof RuntimeOptions, Check>> = {
  capacitySchedulerPolicy: oneOf(
    'RESERVE_AND_GROW',
    'GUARANTEED_NO_EVICT',
    'MAX_UTILIZATION',
    'STATIC_BATCH',
  ),
  reserveTokens: whole(1),
  contextChunkingPolicy: oneOf('FIRST_COME_FIRST_SERVED', 'EQUAL_PROGRESS'),
  batchWaitTimeoutMs: whole(0),
  batchWaitTimeoutIters: whole(0),
  batchWaitMaxTokensRatio: which(
    'a number from 0 to 1',
    (value) => typeof value === 'number' && value >= 0 && value <= 1,
  ),
  prefixAwareScheduling: isBoolean,
  disableOverlapScheduler: isBoolean,
  enableBlockReuse: isBoolean,
  enablePartialReuse: isBoolean,
  copyOnPartialReuse: isBoolean,
  eventBufferMaxSize: whole(0),
}

/** The options among others, without those that were not given. Plain data. */
export function runtimeOptions(options: RuntimeOptions): RuntimeOptions {
  const names = Object.keys(runtimeChecks) as (keyof RuntimeOptions)[]
  return Object.fromEntries(
    names.map((name) => [name, options[name]]).filter(([, value]) => value !== undefined),
  )
}

/** The engine's names for them. */
export function schedulingOf(options: RuntimeOptions): Partial<EngineOptions> {
  const { batchWaitTimeoutMs, batchWaitTimeoutIters, batchWaitMaxTokensRatio } = options
  const batchWait = present({
    timeoutMs: batchWaitTimeoutMs,
    timeoutIters: batchWaitTimeoutIters,
    maxTokensRatio: batchWaitMaxTokensRatio,
  })
  const { reserveTokens, enableBlockReuse, enablePartialReuse, copyOnPartialReuse } = options
  return present({
    policy: options.capacitySchedulerPolicy,
    chunking: options.contextChunkingPolicy,
    batchWait,
    prefixAware: options.prefixAwareScheduling,
    maxInFlightSteps: options.disableOverlapScheduler ? (1 as const) : undefined,
    ...{ reserveTokens, enableBlockReuse, enablePartialReuse, copyOnPartialReuse },
    eventBufferMaxSize: options.eventBufferMaxSize,
  })
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

const present = <T extends object>(values: T): Present<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>
