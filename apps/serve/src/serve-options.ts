import { checkExposure, StartError } from '@trtllm/serve'
import type { KvCacheDTypeName, RuntimeOptions } from 'trtllm'
import type { OptionValues } from './option-table.js'

type DType = 'auto' | 'f32' | 'bf16' | 'f16'

/** Everything the server was told, with defaults filled in. Lengths in tokens, times in seconds. */
export interface ServeOptions {
  /** Folder or hub id; absent = the embedded model. */
  model: string | undefined
  host: string
  port: number
  apiKeys: string[]
  servedModelName: string | undefined
  maxQueue: number | undefined
  maxOutputLen: number | undefined
  drainTimeout: number
  logLevel: string
  logFormat: 'auto' | 'text' | 'json'
  load: RuntimeOptions & {
    tokenizer?: string
    revision?: string
    device: string
    dtype: DType
    quant?: 'none' | 'fp8' | 'int8'
    kvCacheDtype?: KvCacheDTypeName
    deterministic?: boolean
    loadFormat: 'auto' | 'dummy'
    maxBatchSize?: number
    maxNumTokens?: number
    maxSeqLen?: number
    kvCacheFreeGpuMemoryFraction?: number
    kvCacheMaxTokens?: number
    chatTemplate?: string
  }
}

const dtypes: Record<string, DType> = { float32: 'f32', bfloat16: 'bf16', float16: 'f16' }
const levels: Record<string, string> = { verbose: 'debug', warning: 'warn', internal_error: 'fatal' }

/**
 * Combines flags, configuration file (which wins) and environment.
 * @throws StartError 64 for what this version cannot do, 78 for options that contradict each other.
 */
export function serveOptions(
  model: string | undefined,
  flags: OptionValues,
  config: OptionValues,
  environment: Record<string, string | undefined>,
): ServeOptions {
  const given = { ...flags, ...config } as Record<string, never>
  for (const [key, flag] of [
    ['tp_size', '--tp-size'],
    ['pp_size', '--pp-size'],
  ] as const)
    if ((given[key] ?? 1) !== 1)
      throw new StartError(
        64,
        `${flag} ${given[key]} is not supported in this version, which runs on one device; use 1.`,
      )
  const { max_seq_len: maxSeqLen, max_output_len: maxOutputLen } = given as Record<string, number | undefined>
  if (maxSeqLen !== undefined && maxOutputLen !== undefined && maxOutputLen >= maxSeqLen)
    throw new StartError(
      78,
      `--max-output-len ${maxOutputLen} leaves no room for a prompt in --max-seq-len ${maxSeqLen}; lower the first.`,
    )
  const apiKeys: string[] = given.api_key ?? environment.TRTLLM_API_KEY?.split(',').filter(Boolean) ?? []
  const host: string = given.host ?? 'localhost'
  checkExposure(host, apiKeys.length > 0, given.allow_unauthenticated ?? false)
  const dtype: string = given.dtype ?? 'auto'
  const logLevel: string = given.log_level ?? 'info'
  const optional: Record<string, unknown> = {
    tokenizer: given.tokenizer,
    quant: given.quant,
    kvCacheDtype: given.kv_cache_dtype,
    deterministic: given.deterministic,
    revision: given.revision,
    maxBatchSize: given.max_batch_size,
    maxNumTokens: given.max_num_tokens,
    maxSeqLen,
    kvCacheFreeGpuMemoryFraction: given.kv_cache_free_gpu_memory_fraction,
    kvCacheMaxTokens: given.kv_cache_max_tokens,
    chatTemplate: given.chat_template,
    ...runtimeOptionsOf(given),
  }
  return {
    model,
    host,
    port: given.port ?? 8000,
    apiKeys,
    servedModelName: given.served_model_name,
    maxQueue: given.max_queue,
    maxOutputLen,
    drainTimeout: given.drain_timeout ?? 30,
    logLevel: levels[logLevel] ?? logLevel,
    logFormat: given.log_format ?? 'auto',
    load: {
      device: given.device ?? 'auto',
      dtype: dtypes[dtype] ?? (dtype as DType),
      loadFormat: given.load_format ?? 'auto',
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    },
  }
}

/** Options that the library has under the same name. */
function runtimeOptionsOf(given: OptionValues): Record<keyof RuntimeOptions, unknown> {
  return {
    capacitySchedulerPolicy: given.capacity_scheduler_policy,
    reserveTokens: given.reserve_tokens,
    contextChunkingPolicy: given.context_chunking_policy,
    batchWaitTimeoutMs: given.batch_wait_timeout_ms,
    batchWaitTimeoutIters: given.batch_wait_timeout_iters,
    batchWaitMaxTokensRatio: given.batch_wait_max_tokens_ratio,
    prefixAwareScheduling: given.prefix_aware_scheduling,
    disableOverlapScheduler: given.disable_overlap_scheduler,
    enableBlockReuse: given.enable_block_reuse,
    enablePartialReuse: given.enable_partial_reuse,
    copyOnPartialReuse: given.copy_on_partial_reuse,
    eventBufferMaxSize: given.event_buffer_max_size,
  }
}
