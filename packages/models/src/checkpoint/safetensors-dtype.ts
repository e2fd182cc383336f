import type { FloatDType } from '@trtllm/kernels'

/** Bits per element of every dtype a safetensors header may name. */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const

/** A dtype as the header spells it. */
export type SafetensorsDType = keyof typeof bits

export const isSafetensorsDType = (name: string): name is SafetensorsDType => Object.hasOwn(bits, name)

export const elementBits = (dtype: SafetensorsDType): number => bits[dtype]

const floats: Partial<Record<SafetensorsDType, FloatDType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' }

/** The compute dtype that stores the same elements, or undefined where a model cannot be loaded from it. */
export const floatDTypeOf = (dtype: SafetensorsDType): FloatDType | undefined => floats[dtype]
