import type { EngineInfo } from 'trtllm'
import type { engineTimes } from './engine-times.js'
import { machineLine } from './machine.js'
import { averageOf, percentilesOf } from './percentiles.js'
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

const round = (value: number, digits = 4): number => Number(value.toFixed(digits))
const rounded = <Key extends string>(values: Readonly<Record<Key, number>>): Record<Key, number> =>
  Object.fromEntries(Object.entries<number>(values).map(([key, value]) => [key, round(value)])) as Record<
    Key,
    number
  >

/** The report of a run, with the keys and nesting of TensorRT-LLM's. Times from the first start to the last end. */
export function benchReport(
  records: readonly RequestRecord[],
  info: EngineInfo,
  machine: object,
  settings: BenchSettings,
  times: ReturnType<typeof engineTimes>,
) {
  const startMs = records.reduce((least, { startMs }) => Math.min(least, startMs), Number.POSITIVE_INFINITY)
  const endMs = records.reduce((most, { endMs }) => Math.max(most, endMs), 0)
  const totalMs = endMs - startMs
  const latencies = records.map((record) => record.endMs - record.startMs)
  const inputs = records.map(({ inputTokens }) => inputTokens)
  const outputs = records.map(({ outputTokens }) => outputTokens)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const outputRate = (sum(outputs) / totalMs) * 1000
  const perUser = records.map(({ outputTokens }, i) => (outputTokens / latencies[i]!) * 1000)
  return {
    command: settings.command,
    commit: settings.commit,
    engine: {
      model: info.name,
      model_path: settings.model,
      version: settings.version,
      backend: info.device.kind,
      dtype: info.dtype,
      kv_cache_dtype: info.dtype,
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
      kv_cache_percentage: settings.kvFraction,
      kv_cache_tokens: info.kvTokens,
    },
    request_info: {
      num_requests: records.length,
      avg_num_concurrent_requests: round(sum(latencies) / totalMs, 2),
      avg_input_length: averageOf(inputs),
      avg_output_length: averageOf(outputs),
    },
    performance: {
      total_latency_ms: round(totalMs, 1),
      avg_request_latency_ms: round(averageOf(latencies), 2),
      request_throughput_req_s: round((records.length / totalMs) * 1000),
      system_output_throughput_tok_s: round(outputRate, 2),
      system_total_throughput_tok_s: round(((sum(inputs) + sum(outputs)) / totalMs) * 1000, 2),
      output_throughput_per_user_tok_s: round(averageOf(perUser), 3),
      output_throughput_per_gpu_tok_s: round(outputRate, 2),
      request_latency_percentiles_ms: rounded({ ...percentilesOf(latencies) }),
    },
    streaming_metrics: streamingMetrics(records),
    ...times,
  }
}

/** Times to the first token and between tokens; a request of one token has none of the latter. */
function streamingMetrics(records: readonly RequestRecord[]) {
  const ttft = records.map(({ startMs, firstMs }) => firstMs - startMs)
  const several = records.filter(({ outputTokens }) => outputTokens > 1)
  const tpot = several.map(({ firstMs, endMs, outputTokens }) => (endMs - firstMs) / (outputTokens - 1))
  const rates = tpot.map((ms) => 1000 / ms)
  return {
    ...(tpot.length > 0 && {
      token_output_speed_tok_s: round(averageOf(rates), 3),
      avg_tpot_ms: round(averageOf(tpot)),
      tpot_percentiles: rounded({ ...percentilesOf(tpot) }),
      gen_tps_percentiles: rounded({ ...percentilesOf(rates) }),
    }),
    avg_ttft_ms: round(averageOf(ttft), 3),
    ttft_percentiles: rounded({ ...percentilesOf(ttft) }),
  }
}

export type BenchReport = ReturnType<typeof benchReport>

/** The report as people read it. */
export function reportLines({
  engine,
  machine,
  world_info: world,
  request_info: asked,
  performance,
  streaming_metrics: streaming,
  host,
  kv_cache: cache,
}: BenchReport): string {
  const per = streaming.token_output_speed_tok_s
  const lines = [
    `${engine.model}, ${engine.dtype}${engine.quantization === 'none' ? '' : `, weights ${engine.quantization}`}${engine.deterministic ? ', deterministic' : ''}`,
    machineLine(machine),
    `batch ${world.max_batch_size}, ${world.max_num_tokens} tokens a step, KV cache of ${world.kv_cache_tokens} tokens`,
    `${asked.num_requests} requests of ${asked.avg_input_length} tokens in, ${asked.avg_output_length} out; ${asked.avg_num_concurrent_requests} at a time`,
    `output      ${performance.system_output_throughput_tok_s} tokens/s`,
    `in and out  ${performance.system_total_throughput_tok_s} tokens/s`,
    `first token ${streaming.avg_ttft_ms} ms on average${per === undefined ? '' : `, then ${per} tokens/s a request`}`,
    `steps       ${host.steps} of ${host.average_step_ms} ms; between them the device idled ${host.exposed_us_per_step.average} us on average`,
    `KV cache    ${(100 * cache.waste).toFixed(2)} % of the places held no token`,
    `total       ${(performance.total_latency_ms / 1000).toFixed(2)} s`,
  ]
  return `${lines.join('\n')}\n`
}
