/** Element types a Tensor can have; `f8` is OCP e4m3. The order is part of the native ABI (native/core/dtype.h). */
export const dtypes = ['f32', 'f16', 'bf16', 'i32', 'u8', 'f8', 'i8'] as const
export type DType = (typeof dtypes)[number]

/** Element types a model can compute in. */
export type FloatDType = 'f32' | 'f16' | 'bf16'

/** Element types of quantized weights: numbers times a scale. */
export type QuantizedDType = 'f8' | 'i8'

/** Element types of cached keys and values: the model's, or numbers times a scale. */
export type CacheDType = FloatDType | 'f8'

/** Bytes of an element. */
export const dtypeBytes: Readonly<Record<DType, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  u8: 1,
  f8: 1,
  i8: 1,
}

/** Code of `dtype` in the native ABI. */
export const dtypeCode = (dtype: DType): number => dtypes.indexOf(dtype)
