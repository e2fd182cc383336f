import { wavelengths } from './base-frequencies.js'
import type { RopeShape, RopeTables } from './rope.js'

const { fround } = Math

export interface YarnRope {
  readonly factor: number
  readonly originalLength: number
  readonly betaFast: number
  readonly betaSlow: number
  /** Round the blended range outwards to whole dimensions. */
  readonly truncate: boolean
  readonly attentionFactor: number | undefined
  readonly mscale: number | undefined
  readonly mscaleAllDim: number | undefined
}

/** YaRN (arXiv 2309.00071): dimensions that turn often keep their frequency, slow ones are interpolated. */
export function yarnTables(shape: RopeShape, options: YarnRope): RopeTables {
  const { factor, truncate } = options
  const [low, high] = blendedRange(shape, options, truncate)
  const table = wavelengths(shape).map((wavelength, i) => {
    const kept = fround(1 - fround(Math.min(1, Math.max(0, fround(i - low) / (high - low)))))
    const interpolated = fround(1 / fround(factor * wavelength))
    return fround(interpolated * fround(1 - kept)) + fround(fround(1 / wavelength) * kept)
  })
  return { inverseFrequencies: [table], attentionFactor: attentionFactor(options) }
}

/** Factor on cos and sin: given, or the ratio of the two mscales, or that of the paper. */
function attentionFactor({ factor, attentionFactor, mscale, mscaleAllDim }: YarnRope): number {
  if (attentionFactor !== undefined) return attentionFactor
  return mscale && mscaleAllDim
    ? concentration(factor, mscale) / concentration(factor, mscaleAllDim)
    : concentration(factor, 1)
}

/** What a score grows by in a text `factor` times as long, as the paper's fit has it. */
export const concentration = (factor: number, mscale: number): number =>
  factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1

function blendedRange(shape: RopeShape, options: YarnRope, truncate: boolean): [low: number, high: number] {
  const { rotaryDim, base } = shape
  const dimension = (turns: number): number =>
    (rotaryDim * Math.log(options.originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(base))
  const first = dimension(options.betaFast)
  const last = dimension(options.betaSlow)
  const low = Math.max(truncate ? Math.floor(first) : first, 0)
  const high = Math.min(truncate ? Math.ceil(last) : last, rotaryDim - 1)
  return [low, high === low ? high + 0.001 : high]
}
