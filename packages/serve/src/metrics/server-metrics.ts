import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineStats, IterationStats } from 'trtllm'

const doubling = (first: number, last: number) => {
  const buckets: number[] = []
  for (let edge = first; edge <= last; edge *= 2) buckets.push(Number(edge.toPrecision(6)))
  return buckets
}

/** Prometheus metrics of one server, under TensorRT-LLM's names. Times in seconds. */
export class ServerMetrics {
  readonly registry = new Registry()
  readonly #success = this.#counter('request_success_total', 'Finished requests by reason', [
    'finished_reason',
  ])
  readonly #errors = this.#counter('request_error_total', 'Failed requests by error code', ['code'])
  readonly #completed = this.#counter('num_requests_completed_total', 'Requests that ended, well or not')
  readonly #promptTokens = this.#counter('prompt_tokens_total', 'Prompt tokens of finished requests')
  readonly #generationTokens = this.#counter(
    'generation_tokens_total',
    'Generated tokens of finished requests',
  )
  readonly #cachedTokens = this.#counter('prompt_cached_tokens_total', 'Prompt tokens found in the KV cache')
  readonly #engineDeaths = this.#counter('engine_deaths_total', 'Engines lost since the server started')
  readonly #whole = this.#histogram(
    'e2e_request_latency_seconds',
    'Whole time of a request',
    doubling(0.3, 7680),
  )
  readonly #first = this.#histogram(
    'time_to_first_token_seconds',
    'Arrival to first token',
    doubling(0.001, 2560),
  )
  readonly #each = this.#histogram(
    'time_per_output_token_seconds',
    'Time per token after the first',
    doubling(0.01, 80),
  )
  readonly #queued = this.#histogram(
    'request_queue_time_seconds',
    'Admission to first schedule',
    doubling(0.3, 7680),
  )
  readonly #gauges = new Map<string, Gauge>()

  constructor(modelName: string) {
    this.registry.setDefaultLabels({ model_name: modelName, engine_type: 'trtllm' })
  }

  engineDied(): void {
    this.#engineDeaths.inc()
  }

  failed(code: string): void {
    this.#errors.inc({ code })
    this.#completed.inc()
  }

  finished(
    reason: string,
    usage: { promptTokens: number; completionTokens: number; cachedTokens: number },
  ): void {
    this.#success.inc({ finished_reason: reason })
    this.#completed.inc()
    this.#promptTokens.inc(usage.promptTokens)
    this.#generationTokens.inc(usage.completionTokens)
    this.#cachedTokens.inc(usage.cachedTokens)
  }

  /** Times in milliseconds of performance.now; `firstMs` is absent when no token came. */
  timed(startMs: number, firstMs: number | undefined, endMs: number, tokens: number): void {
    this.#whole.observe((endMs - startMs) / 1000)
    if (firstMs === undefined) return
    this.#first.observe((firstMs - startMs) / 1000)
    if (tokens > 1) this.#each.observe((endMs - firstMs) / 1000 / (tokens - 1))
  }

  /** Requests that the engine ended since it was last asked. */
  ended(requests: EngineStats['requests']): void {
    for (const { queueMs } of requests) if (queueMs !== null) this.#queued.observe(queueMs / 1000)
  }

  /** The exposition text, with gauges from the latest iteration, the engine's state and the server's own counts. */
  async text(
    latest: IterationStats | undefined,
    now: EngineStats['gauges'] | undefined,
    server: Record<string, number>,
  ): Promise<string> {
    const values = { ...server, ...(latest && iterationGauges(latest)), ...(now && engineGauges(now)) }
    for (const [name, value] of Object.entries(values)) this.#gauge(name).set(value)
    return await this.registry.metrics()
  }

  #gauge(name: string): Gauge {
    const known = this.#gauges.get(name)
    if (known) return known
    const help = name.replaceAll('_', ' ')
    const gauge = new Gauge({ name: `trtllm_${name}`, help, registers: [this.registry] })
    this.#gauges.set(name, gauge)
    return gauge
  }

  #counter(name: string, help: string, labels: string[] = []): Counter {
    return new Counter({ name: `trtllm_${name}`, help, labelNames: labels, registers: [this.registry] })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `trtllm_${name}`, help, buckets, registers: [this.registry] })
  }
}

function iterationGauges(latest: IterationStats): Record<string, number> {
  const { kvCacheStats: kv, inflightBatchingStats: batch } = latest
  return {
    kv_cache_hit_rate: kv.cacheHitRate,
    kv_cache_tokens_per_block: kv.tokensPerBlock,
    iteration_latency_seconds: latest.iterLatencyMS / 1000,
    gpu_memory_usage_bytes: latest.gpuMemUsage,
    cpu_memory_usage_bytes: latest.cpuMemUsage,
    pinned_memory_usage_bytes: latest.pinnedMemUsage,
    num_scheduled_requests: batch.numScheduledRequests,
    num_context_requests: batch.numContextRequests,
    num_generation_requests: batch.numGenRequests,
    num_paused_requests: batch.numPausedRequests,
  }
}

/** State at the time of asking: the last iteration still held the pages of the requests it ended. */
function engineGauges({
  kvPagesTotal,
  kvPagesFree,
  quiescent,
}: EngineStats['gauges']): Record<string, number> {
  return {
    kv_cache_utilization: (kvPagesTotal - kvPagesFree) / kvPagesTotal,
    kv_cache_max_blocks: kvPagesTotal,
    kv_cache_free_blocks: kvPagesFree,
    kv_cache_used_blocks: kvPagesTotal - kvPagesFree,
    engine_quiescent: quiescent ? 1 : 0,
  }
}
