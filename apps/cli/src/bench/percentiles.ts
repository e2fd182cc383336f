/** How values are spread, with the keys of TensorRT-LLM's reports. */
export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly minimum: number
  readonly maximum: number
  readonly average: number
}

/** Percentiles by the nearest rank. Values must not be empty. */
export function percentilesOf(values: ArrayLike<number>): Percentiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return {
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    minimum: sorted[0]!,
    maximum: sorted.at(-1)!,
    average: averageOf(sorted),
  }
}

/** The mean; values must not be empty. */
export function averageOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
