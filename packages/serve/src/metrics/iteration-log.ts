import type { EngineStats, IterationStats } from 'trtllm'

const maxKept = 1000

/** What the engine told of itself: /metrics drains the iterations, /prometheus/metrics only looks. */
export class IterationLog {
  #kept: IterationStats[] = []
  latest: IterationStats | undefined
  gauges: EngineStats['gauges'] | undefined

  add({ iterations, gauges }: EngineStats): void {
    this.#kept.push(...iterations)
    if (this.#kept.length > maxKept) this.#kept = this.#kept.slice(-maxKept)
    this.latest = iterations.at(-1) ?? this.latest
    this.gauges = gauges
  }

  drain(): IterationStats[] {
    return this.#kept.splice(0)
  }
}
