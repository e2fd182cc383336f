import { fp8 } from './fp8.js'
import { int8 } from './int8.js'
import type { WeightFormat } from './weight-format.js'

export { quantizeWeights } from './quantize-weights.js'
export { readStoredWeights, type StoredScales } from './stored-weights.js'
export type { WeightFormat } from './weight-format.js'
export { fp8, int8 }

/** Every format, by the name that `--quant` takes. */
export const weightFormats: ReadonlyMap<string, WeightFormat> = new Map(
  [fp8, int8].map((format) => [format.name, format]),
)
