import type { EngineInfo } from 'trtllm'
import type { engineTimes } from './engine-times.js'
import { machineLine } from './machine.js'
import { metricLines, requestMetrics } from './request-metrics.js'
import type { RequestRecord } from './run-requests.js'

/** What a run was told, as the report repeats it. */
export interface BenchSettings {
  readonly command: string
  readonly commit: string | null
  readonly model: string
  readonly version: string
  readonly quant: string
  readonly policy: string
  readonly kvFraction: number | null
  readonly isLatency: boolean
}

/** The report of a run, with the keys and nesting of TensorRT-LLM's. Times from the first start to the last end. */
export function benchReport(
  records: readonly RequestRecord[],
  info: EngineInfo,
  machine: object,
  settings: BenchSettings,
  times: ReturnType<typeof engineTimes>,
) {
  return {
    command: settings.command,
    commit: settings.commit,
    engine: {
      model: info.name,
      model_path: settings.model,
      version: settings.version,
      backend: info.device.kind,
      dtype: info.dtype,
      kv_cache_dtype: info.kvCacheDtype,
      quantization: settings.quant,
      deterministic: info.deterministic,
    },
    machine,
    world_info: {
      tp_size: 1,
      pp_size: 1,
      ep_size: 1,
      world_size: 1,
      max_batch_size: info.maxBatchSize,
      max_num_tokens: info.maxNumTokens,
      max_seq_len: info.maxSeqLen,
      scheduling_policy: settings.policy,
      /** Requests a second; null: as many at once as there may be. */
      issue_rate: null,
      kv_cache_percentage: settings.kvFraction,
      kv_cache_tokens: info.kvTokens,
    },
    ...requestMetrics(records),
    ...times,
  }
}

export type BenchReport = ReturnType<typeof benchReport>

/** The report as people read it. */
export function reportLines(report: BenchReport): string {
  const { engine, machine, world_info: world, host, kv_cache: cache } = report
  const weights = engine.quantization === 'none' ? '' : `, weights ${engine.quantization}`
  const lines = [
    `${engine.model}, ${engine.dtype}${weights}, KV cache ${engine.kv_cache_dtype}${engine.deterministic ? ', deterministic' : ''}`,
    machineLine(machine),
    `batch ${world.max_batch_size}, ${world.max_num_tokens} tokens a step, KV cache of ${world.kv_cache_tokens} tokens`,
    ...metricLines(report),
    `steps       ${host.steps} of ${host.average_step_ms} ms; between them the device idled ${host.exposed_us_per_step.average} us on average`,
    `KV cache    ${(100 * cache.waste).toFixed(2)} % of the places held no token`,
  ]
  return `${lines.join('\n')}\n`
}
