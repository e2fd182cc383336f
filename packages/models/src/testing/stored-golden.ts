import type { TensorToWrite } from './write-safetensors.js'

/** Scales of the tiny models' f8 weights, as the tool they stand for writes them. */
interface F8Format {
  /** Rows and columns that share a scale; 0: all. */
  readonly block: readonly [number, number]
  readonly scaleSuffix: string
  readonly scaleDType: 'F32' | 'BF16'
  readonly scaleShape: (rows: number, columns: number) => readonly number[]
  readonly plainKey: string
  /** Writes scales of activations and of the cache too. */
  readonly hasActivationScales: boolean
}

const ceilBlocks = (size: number): number => Math.ceil(size / 128)

const formats: Readonly<Record<string, F8Format>> = {
  modelopt: {
    block: [0, 0],
    scaleSuffix: '_scale',
    scaleDType: 'F32',
    scaleShape: () => [],
    plainKey: 'exclude_modules',
    hasActivationScales: true,
  },
  'compressed-tensors': {
    block: [1, 0],
    scaleSuffix: '_scale',
    scaleDType: 'BF16',
    scaleShape: (rows) => [rows, 1],
    plainKey: 'ignore',
    hasActivationScales: false,
  },
  fp8: {
    block: [128, 128],
    scaleSuffix: '_scale_inv',
    scaleDType: 'F32',
    scaleShape: (rows, columns) => [ceilBlocks(rows), ceilBlocks(columns)],
    plainKey: 'modules_to_not_convert',
    hasActivationScales: false,
  },
}

/** A weight as f8 numbers and scales, and what it stands for. */
export interface StoredGolden {
  readonly tensors: Readonly<Record<string, TensorToWrite>>
  readonly values: Float32Array
}

/** A golden weight as its config says it is kept; undefined: as plain floats. `config` is the content of config.json. */
export function storedGolden(
  config: Readonly<Record<string, unknown>>,
  name: string,
  [rows = 0, columns = 0]: readonly number[],
  values: Float32Array,
): StoredGolden | undefined {
  const quantization = config.quantization_config as Record<string, unknown> | undefined
  if (!quantization || !/_proj\.weight$/.test(name)) return undefined
  const method = formats[String(quantization.quant_method)]!
  const format = config.model_type === 'qwen3' ? { ...method, scaleDType: 'BF16' as const } : method
  const module = name.replace(/\.weight$/, '')
  const plain = (quantization[format.plainKey] ?? []) as string[]
  const isPlain = plain.some((entry) =>
    entry.startsWith('re:') ? new RegExp(`^${entry.slice(3)}`).test(module) : entry === module,
  )
  if (isPlain) return undefined
  const [blockRows, blockColumns] = [format.block[0] || rows, format.block[1] || columns]
  const across = Math.ceil(columns / blockColumns)
  const blockOf = (i: number): number =>
    Math.floor(Math.floor(i / columns) / blockRows) * across + Math.floor((i % columns) / blockColumns)
  const largest = new Float32Array(Math.ceil(rows / blockRows) * across)
  for (const [i, value] of values.entries()) {
    largest[blockOf(i)] = Math.max(largest[blockOf(i)]!, Math.abs(value))
  }
  const rounded = format.scaleDType === 'BF16' ? toBf16 : (x: number) => x
  const scales = largest.map((value) => rounded(Math.fround(value / 448)))
  const bytes = Uint8Array.from(values, (value, i) => toF8(Math.fround(value / scales[blockOf(i)]!)))
  const scaleData = format.scaleDType === 'BF16' ? new Uint16Array(scales.length) : scales
  if (scaleData instanceof Uint16Array) {
    for (const [i, word] of new Uint32Array(scales.buffer).entries()) scaleData[i] = word >>> 16
  }
  const one = new Uint8Array(Float32Array.of(0.5).buffer)
  const extra: Record<string, TensorToWrite> = format.hasActivationScales
    ? { [`${module}.input_scale`]: { dtype: 'F32', shape: [], data: one } }
    : {}
  const cache = /\.([kv])_proj$/.exec(module)?.[1]
  if (format.hasActivationScales && cache) {
    extra[`${module}.${cache}_scale`] = { dtype: 'F32', shape: [], data: one }
  }
  return {
    tensors: {
      [name]: { dtype: 'F8_E4M3', shape: [rows, columns], data: bytes },
      [`${name}${format.scaleSuffix}`]: {
        dtype: format.scaleDType,
        shape: format.scaleShape(rows, columns),
        data: new Uint8Array(scaleData.buffer),
      },
      ...extra,
    },
    values: values.map((_, i) => fromF8(bytes[i]!) * scales[blockOf(i)]!),
  }
}

/** The e4m3 number of a byte. */
export function fromF8(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1
  const exponent = (byte >> 3) & 15
  const fraction = byte & 7
  if (exponent === 15 && fraction === 7) return Number.NaN
  return sign * (exponent ? (1 + fraction / 8) * 2 ** (exponent - 7) : fraction * 2 ** -9)
}

const magnitudes = Array.from({ length: 0x7f }, (_, byte) => fromF8(byte))

/** The nearest e4m3 number of a finite one, ties to the even byte; beyond 448 it is 448. */
function toF8(value: number): number {
  const size = Math.min(448, Math.abs(value))
  const above = magnitudes.findIndex((magnitude) => magnitude >= size)
  const below = Math.max(0, above - 1)
  const middle = (magnitudes[above]! + magnitudes[below]!) / 2
  const byte = size === middle ? (above % 2 === 0 ? above : below) : size > middle ? above : below
  return byte | (value < 0 || Object.is(value, -0) ? 0x80 : 0)
}

const word = new DataView(new ArrayBuffer(4))

function toBf16(value: number): number {
  word.setFloat32(0, value)
  const bits = word.getUint32(0)
  word.setUint32(0, ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0)
  return word.getFloat32(0)
}
