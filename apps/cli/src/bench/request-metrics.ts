import { averageOf, type Percentiles, percentilesOf } from './percentiles.js'
import type { RequestRecord } from './run-requests.js'

const round = (value: number, digits = 4): number => Number(value.toFixed(digits))

function spreadOf(values: ArrayLike<number>): Percentiles {
  const entries = Object.entries<number>({ ...percentilesOf(values) })
  return Object.fromEntries(entries.map(([key, value]) => [key, round(value)])) as unknown as Percentiles
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/**
 * What users saw of a run, with the keys and nesting of TensorRT-LLM's report. Times from the first start to the last
 * end; there must be at least one request.
 */
export function requestMetrics(records: readonly RequestRecord[]) {
  const startMs = records.reduce((least, { startMs }) => Math.min(least, startMs), Number.POSITIVE_INFINITY)
  const endMs = records.reduce((most, { endMs }) => Math.max(most, endMs), 0)
  const totalMs = endMs - startMs
  const latencies = records.map((record) => record.endMs - record.startMs)
  const inputs = records.map(({ inputTokens }) => inputTokens)
  const outputs = records.map(({ outputTokens }) => outputTokens)
  const outputRate = (sum(outputs) / totalMs) * 1000
  const perUser = records.map(({ outputTokens }, i) => (outputTokens / latencies[i]!) * 1000)
  return {
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
      request_latency_percentiles_ms: spreadOf(latencies),
    },
    streaming_metrics: streamingMetrics(records),
    dataset: {
      isl_stats: spreadOf(inputs),
      osl_stats: spreadOf(outputs),
      seq_len_stats: spreadOf(records.map(({ inputTokens, outputTokens }) => inputTokens + outputTokens)),
    },
  }
}

export type RequestMetrics = ReturnType<typeof requestMetrics>

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
      tpot_percentiles: spreadOf(tpot),
      gen_tps_percentiles: spreadOf(rates),
    }),
    avg_ttft_ms: round(averageOf(ttft), 3),
    ttft_percentiles: spreadOf(ttft),
  }
}

/** The metrics as people read them. */
export function metricLines({
  request_info: asked,
  performance,
  streaming_metrics: streaming,
}: RequestMetrics): string[] {
  const per = streaming.token_output_speed_tok_s
  return [
    `${asked.num_requests} requests of ${asked.avg_input_length} tokens in, ${asked.avg_output_length} out; ${asked.avg_num_concurrent_requests} at a time`,
    `output      ${performance.system_output_throughput_tok_s} tokens/s`,
    `in and out  ${performance.system_total_throughput_tok_s} tokens/s`,
    `first token ${streaming.avg_ttft_ms} ms on average${per === undefined ? '' : `, then ${per} tokens/s a request`}`,
    `total       ${(performance.total_latency_ms / 1000).toFixed(2)} s`,
  ]
}
