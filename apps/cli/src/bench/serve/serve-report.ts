import { averageOf, percentilesOf } from '../percentiles.js'
import { metricLines, requestMetrics } from '../request-metrics.js'
import type { LoadResult } from './run-load.js'

const round = (value: number, digits = 4): number => Number(value.toFixed(digits))

/** Processor time of the server during a run, in seconds. */
export interface ServerSeconds {
  readonly front: number
  readonly engine: number
}

/** What clients saw, with TensorRT-LLM's keys; `itl` is the time between two events of a stream. */
export function serveMetrics({ records, gaps }: LoadResult, requestRate: number, server?: ServerSeconds) {
  const metrics = requestMetrics(records)
  const tokens = records.reduce((sum, { outputTokens }) => sum + outputTokens, 0)
  const itl = gaps.length > 0 ? percentilesOf(gaps) : undefined
  const spread =
    itl && Object.fromEntries(Object.entries({ ...itl }).map(([key, value]) => [key, round(value)]))
  const perToken = (seconds: number): number => round((1e6 * seconds) / tokens, 2)
  return {
    ...metrics,
    request_info: { ...metrics.request_info, issue_rate: Number.isFinite(requestRate) ? requestRate : null },
    streaming_metrics: {
      ...metrics.streaming_metrics,
      events: gaps.length + records.length,
      ...(spread && { avg_itl_ms: round(averageOf(gaps)), itl_percentiles: spread }),
    },
    ...(server && {
      host: {
        front_cpu_us_per_token: perToken(server.front),
        engine_cpu_us_per_token: perToken(server.engine),
      },
    }),
  }
}

export type ServeMetrics = ReturnType<typeof serveMetrics>

/** As people read it. */
export function serveLines(metrics: ServeMetrics): string {
  const { ttft_percentiles: ttft, tpot_percentiles: tpot, itl_percentiles: itl } = metrics.streaming_metrics
  const row = (name: string, spread: { p50?: number; p90?: number; p99?: number } | undefined) =>
    spread ? [`${name.padEnd(12)}${spread.p50} / ${spread.p90} / ${spread.p99} ms (p50 / p90 / p99)`] : []
  const { host } = metrics
  const lines = [
    ...metricLines(metrics),
    ...row('first token', ttft),
    ...row('per token', tpot),
    ...row('events', itl),
    ...(host
      ? [
          `processor   ${host.front_cpu_us_per_token} us a token in front, ${host.engine_cpu_us_per_token} us in the engine`,
        ]
      : []),
  ]
  return `${lines.join('\n')}\n`
}
