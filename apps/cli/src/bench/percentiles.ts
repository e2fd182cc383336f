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
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return {
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    minimum: sorted[0]!,
    maximum: sorted.at(-1)!,
    average: averageOf(values),
  }
}

/** The mean; values must not be empty. */
export const averageOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
