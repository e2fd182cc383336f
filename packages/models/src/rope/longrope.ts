import { wavelengths } from './base-frequencies.js'
import type { RopeShape, RopeTables } from './rope.js'

export interface LongRope {
  readonly shortFactor: readonly number[]
  readonly longFactor: readonly number[]
  readonly factor: number
  readonly originalLength: number
  readonly attentionFactor: number | undefined
}

/** LongRoPE (arXiv 2402.13753): a searched divisor per dimension, one list for short texts and one for long. */
export function longRopeTables(shape: RopeShape, options: LongRope): RopeTables {
  const { factor, originalLength } = options
  const divided = (divisors: readonly number[]): Float32Array =>
    wavelengths(shape).map((wavelength, i) => 1 / Math.fround(Math.fround(divisors[i]!) * wavelength))
  const usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength))
  return {
    inverseFrequencies: [divided(options.shortFactor), divided(options.longFactor)],
    attentionFactor: options.attentionFactor ?? usual,
  }
}
