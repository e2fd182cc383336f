import { baseFrequencies } from './base-frequencies.js'
import type { RopeShape, RopeTables } from './rope.js'

const { fround } = Math

export interface Llama3Rope {
  readonly factor: number
  readonly lowFreqFactor: number
  readonly highFreqFactor: number
  readonly originalLength: number
}

/**
 * Long wavelengths are divided by `factor`, short ones stay, and those between are blended. Where both bounds are
 * equal nothing lies between, so the blend (whose denominator would be 0) is never taken.
 */
export function llama3Tables(shape: RopeShape, options: Llama3Rope): RopeTables {
  const { factor, lowFreqFactor, highFreqFactor, originalLength } = options
  const table = baseFrequencies(shape).map((frequency) => {
    const wavelength = fround((2 * Math.PI) / frequency)
    if (wavelength > originalLength / lowFreqFactor) return frequency / factor
    if (wavelength < originalLength / highFreqFactor || lowFreqFactor === highFreqFactor) return frequency
    const blend = fround(
      fround(fround(originalLength / wavelength) - lowFreqFactor) / (highFreqFactor - lowFreqFactor),
    )
    return fround(fround(fround(1 - blend) * frequency) / factor) + fround(blend * frequency)
  })
  return { inverseFrequencies: [table], attentionFactor: 1 }
}
