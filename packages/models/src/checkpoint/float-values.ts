import { type DType, dtypeBytes } from '@trtllm/kernels'

/** Little-endian elements of a float type as numbers, for the few that JavaScript has to see. */
export function floatValues(bytes: Uint8Array, dtype: DType): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = readers[dtype as keyof typeof readers]
  return Float32Array.from({ length: bytes.byteLength / dtypeBytes[dtype] }, (_, i) => read(view, i))
}

const readers = {
  f32: (view: DataView, i: number): number => view.getFloat32(i * 4, true),
  f16: (view: DataView, i: number): number => halfValue(view.getUint16(i * 2, true)),
  bf16: (view: DataView, i: number): number => wordValue(view.getUint16(i * 2, true) << 16),
}

const word = new DataView(new ArrayBuffer(4))

function wordValue(bits: number): number {
  word.setInt32(0, bits)
  return word.getFloat32(0)
}

function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
