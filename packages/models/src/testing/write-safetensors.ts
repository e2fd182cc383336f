import { writeFileSync } from 'node:fs'
import { elementBits, type SafetensorsDType } from '../checkpoint/safetensors-dtype.js'

/** A tensor to write; its data may be left to zeros. */
export interface TensorToWrite {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  readonly data?: Uint8Array
}

/** The entry of a tensor in a header. */
export interface HeaderEntry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

/** Lays tensors out one after the other, as the writer of the format does. */
export function layOut(tensors: Readonly<Record<string, TensorToWrite>>): {
  header: Record<string, HeaderEntry>
  data: Uint8Array
} {
  const header: Record<string, HeaderEntry> = {}
  const parts: Uint8Array[] = []
  let end = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const bytes = (shape.reduce((product, size) => product * size, 1) * elementBits(dtype)) / 8
    header[name] = { dtype, shape: [...shape], data_offsets: [end, end + bytes] }
    parts.push(data ?? new Uint8Array(bytes))
    end += bytes
  }
  return { header, data: Buffer.concat(parts) }
}

/** Writes length, header (padded with spaces to whole 8 bytes) and data. */
export function writeRaw(file: string, header: string, data: Uint8Array): void {
  const text = Buffer.from(header)
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  writeFileSync(file, Buffer.concat([length, padded, data]))
}

/** Writes a well-formed safetensors file. */
export function writeSafetensors(file: string, tensors: Readonly<Record<string, TensorToWrite>>): void {
  const { header, data } = layOut(tensors)
  writeRaw(file, JSON.stringify({ __metadata__: { format: 'pt' }, ...header }), data)
}
