import type { FloatDType } from '@trtllm/kernels'
import type { Scope } from '../scope.js'

/** Bits of the significand and exponent of the smallest normal number. */
const formats: Readonly<Record<FloatDType, readonly [bits: number, smallest: number]>> = {
  f32: [24, -126],
  f16: [11, -14],
  bf16: [8, -126],
}

/** A constant as the model's element type can hold it, for models that were trained with it rounded so. */
export const roundToModel = (m: Scope, value: number): number => rounded(value, m.recorder.dtype)

/** The nearest number of that type, ties to even; no overflow is looked for. */
export function rounded(value: number, dtype: FloatDType): number {
  if (value === 0) return value
  const [bits, smallest] = formats[dtype]
  const exponent = Math.max(smallest, Math.floor(Math.log2(Math.abs(value))))
  const unit = 2 ** (exponent - bits + 1)
  const units = value / unit
  const below = Math.floor(units)
  const isUp = units - below > 0.5 || (units - below === 0.5 && below % 2 !== 0)
  return (isUp ? below + 1 : below) * unit
}
