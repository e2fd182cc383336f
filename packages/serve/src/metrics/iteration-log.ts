import type { IterationStats } from '../served-model.js'

const maxKept = 1000

/** Iteration statistics between two readers: /metrics drains them, /prometheus/metrics only looks at the latest. */
export class IterationLog {
  #kept: IterationStats[] = []
  latest: IterationStats = {}

  add(stats: readonly IterationStats[]): void {
    this.#kept.push(...stats)
    if (this.#kept.length > maxKept) this.#kept = this.#kept.slice(-maxKept)
    this.latest = stats.at(-1) ?? this.latest
  }

  drain(): IterationStats[] {
    return this.#kept.splice(0)
  }
}
