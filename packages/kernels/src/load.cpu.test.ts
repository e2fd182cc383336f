import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Device, type FloatDType, MappedFile } from './index.js'

const directory = mkdtempSync(join(tmpdir(), 'trtllm-load-'))
const fileOf = (name: string, bytes: Uint8Array): string => {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}
const rawBits = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer)
const scratch = new DataView(new ArrayBuffer(8))

/** bf16 nearest to x, ties to even, from the definition: the neighbour with the smaller distance. */
function bf16Of(x: number): number {
  scratch.setFloat32(0, x)
  const low = scratch.getUint32(0) & 0xffff0000
  const valueAt = (word: number) => {
    scratch.setUint32(0, word)
    return scratch.getFloat32(0)
  }
  const [below, above] = [Math.abs(valueAt(low) - x), Math.abs(valueAt(low + 0x10000) - x)]
  const up = above < below || (above === below && ((low >>> 16) & 1) === 1)
  return ((up ? low + 0x10000 : low) >>> 16) & 0xffff
}

const half = (bits: number): number => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24)
}

it('widens every f16 exactly and narrows it back to itself', () => {
  using device = Device.open('cpu')
  using buffer = device.allocate(65536 * 4, 'values')
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
  using file = MappedFile.open(fileOf('all.f16', new Uint8Array(bits.buffer)))
  const source = { file, offset: 0, dtype: 'f16' as const, rows: 256, columns: 256 }
  device.loadVector(buffer, { offset: 0, dtype: 'f32' }, source)
  const wide = new Float32Array(65536)
  buffer.read(wide)
  expect([...wide]).toEqual([...bits].map(half))
  device.loadVector(buffer, { offset: 0, dtype: 'f16' }, { values: wide, rows: 1, columns: 65536 })
  const back = new Uint16Array(65536)
  buffer.read(back)
  const finite = [...bits.keys()].filter((i) => !Number.isNaN(wide[i]!))
  expect(finite.every((i) => back[i] === bits[i])).toBe(true)
})

const eighth = (bits: number): number => {
  const [sign, exponent, fraction] = [bits & 0x80 ? -1 : 1, (bits >> 3) & 15, bits & 7]
  if (exponent === 15 && fraction === 7) return Number.NaN
  return sign * (exponent ? (1 + fraction / 8) * 2 ** (exponent - 7) : fraction * 2 ** -9)
}

it('widens every f8 exactly, narrows it back, and rounds what lies between to the even neighbour', () => {
  using device = Device.open('cpu')
  using buffer = device.allocate(4096, 'values')
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  using file = MappedFile.open(fileOf('all.f8', all))
  const source = { file, offset: 0, dtype: 'f8' as const, rows: 16, columns: 16 }
  device.loadVector(buffer, { offset: 0, dtype: 'f32' }, source)
  const wide = new Float32Array(256)
  buffer.read(wide)
  expect([...wide]).toEqual([...all].map(eighth))
  const narrow = (values: number[]): number[] => {
    const given = { values: Float32Array.from(values), rows: 1, columns: values.length }
    device.loadVector(buffer, { offset: 0, dtype: 'f8' }, given)
    const bytes = new Uint8Array(values.length)
    buffer.read(bytes)
    return [...bytes]
  }
  const numbers = [...all].filter((bits) => (bits & 0x7f) !== 0x7f)
  expect(narrow(numbers.map(eighth))).toEqual(numbers)
  const below = numbers.filter((bits) => bits < 0x7e)
  const middles = below.map((bits) => (eighth(bits) + eighth(bits + 1)) / 2)
  expect(narrow(middles)).toEqual(below.map((bits) => bits + (bits & 1)))
  expect(narrow(middles.map((x) => x * 1.0001))).toEqual(below.map((bits) => bits + 1))
  expect(narrow(middles.map((x) => -x * 0.9999))).toEqual(below.map((bits) => bits | 0x80))
  expect(narrow([449, 1e30, Number.POSITIVE_INFINITY, -1e9, Number.NaN])).toEqual([
    0x7e, 0x7e, 0x7e, 0xfe, 0x7f,
  ])
})

it.each([
  ['f8', 448, (bits: number) => eighth(bits & 0xff)],
  ['i8', 127, (bits: number) => (bits << 24) >> 24],
] as const)(
  'quantizes rows to %s, each with the scale of its largest element',
  (dtype, largest, numberOf) => {
    using device = Device.open('cpu')
    const [rows, columns] = [21, 37]
    const scaleOffset = device.matrixBytes(dtype, rows, columns)
    using buffer = device.allocate(scaleOffset + rows * 4, 'weight')
    const values = Float32Array.from(
      { length: rows * columns },
      (_, i) => Math.sin(i * 3.7) * 2 ** ((i % rows) - 9),
    )
    values.fill(0, 3 * columns, 4 * columns)
    const at = { offset: 0, dtype, rows, columns }
    for (const [firstRow, count] of [
      [0, 5],
      [5, rows - 5],
    ] as const) {
      const part = {
        values: values.subarray(firstRow * columns, (firstRow + count) * columns),
        rows: count,
        columns,
      }
      device.loadQuantized(buffer, { ...at, firstRow }, scaleOffset, part)
    }
    const packed = new Uint8Array(scaleOffset)
    const scales = new Float32Array(rows)
    buffer.read(packed)
    buffer.read(scales, scaleOffset)
    const panel = Math.ceil(columns / 4) * 64
    for (let row = 0; row < rows; row++) {
      const own = values.subarray(row * columns, (row + 1) * columns)
      const most = Math.max(...own.map(Math.abs))
      expect(scales[row]).toBe(most === 0 ? 1 : Math.fround(most / largest))
      for (let k = 0; k < columns; k++) {
        const byte = packed[Math.floor(row / 16) * panel + Math.floor(k / 4) * 64 + (row % 16) * 4 + (k % 4)]!
        const error = Math.abs(numberOf(byte) * scales[row]! - own[k]!)
        // Half a unit in the last place: of three mantissa bits, or of the integer.
        expect(error).toBeLessThanOrEqual(
          (dtype === 'f8' ? Math.abs(own[k]!) / 16 + most * 2 ** -18 : most / 253) * 1.001,
        )
      }
    }
  },
)

it('rounds f32 to bf16 and f16 to nearest, ties to even', () => {
  using device = Device.open('cpu')
  using buffer = device.allocate(1 << 16, 'values')
  const values = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * 7.3) * 2 ** ((i % 60) - 30))
  rawBits(values).set([0x3f808000, 0x3f818000, 0x3f808001, 0x00000001, 0x80000000])
  device.loadVector(buffer, { offset: 0, dtype: 'bf16' }, { values, rows: 64, columns: 64 })
  const words = new Uint16Array(values.length)
  buffer.read(words)
  expect([...words]).toEqual([...values].map(bf16Of))
  const ties = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25, -1e-30)
  device.loadVector(buffer, { offset: 0, dtype: 'f16' }, { values: ties, rows: 1, columns: 7 })
  const halves = new Uint16Array(7)
  buffer.read(halves)
  expect([...halves].map(half)).toEqual([1, 1 + 2 ** -9, 65504, Number.POSITIVE_INFINITY, 0, 2 ** -23, -0])
})

const panelIndex = (dtype: FloatDType, columns: number, row: number, column: number): number => {
  const panel = Math.floor(row / 16)
  if (dtype === 'f32') return (panel * columns + column) * 16 + (row % 16)
  return ((panel * Math.ceil(columns / 2) + (column >> 1)) * 16 + (row % 16)) * 2 + (column & 1)
}

it.each([
  ['f32', 37, 19],
  ['f32', 16, 4],
  ['bf16', 37, 19],
  ['f16', 50, 7],
  ['bf16', 1, 1],
] as const)('packs a %s matrix %i x %i from parts of a file', (dtype, rows, columns) => {
  using device = Device.open('cpu')
  const stride = columns + 5
  const values = Float32Array.from({ length: rows * stride }, (_, i) => (i % 251) - 125)
  // Three bytes in front: tensors in files are not always aligned.
  const bytes = new Uint8Array(3 + values.byteLength)
  bytes.set(new Uint8Array(values.buffer), 3)
  using file = MappedFile.open(fileOf(`matrix-${dtype}-${rows}`, bytes))
  const size = device.matrixBytes(dtype, rows, columns)
  using buffer = device.allocate(256 + size, 'matrix')
  buffer.fill(0xff)
  for (let firstRow = 0; firstRow < rows; firstRow += 11) {
    const count = Math.min(11, rows - firstRow)
    device.loadMatrix(
      buffer,
      { offset: 256, dtype, rows, columns, firstRow },
      {
        file,
        offset: 3 + firstRow * stride * 4,
        dtype: 'f32',
        rows: count,
        columns,
        rowStride: stride,
        columnStart: 2,
      },
    )
  }
  const elementBytes = dtype === 'f32' ? 4 : 2
  const expected = new Array<number>(size / elementBytes).fill(0)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      expected[panelIndex(dtype, columns, row, column)] = values[row * stride + 2 + column]!
    }
  }
  const found = new Uint8Array(size)
  buffer.read(found, 256)
  const view = new DataView(found.buffer)
  const read = (i: number): number => {
    if (dtype === 'f32') return view.getFloat32(i * 4, true)
    if (dtype === 'f16') return half(view.getUint16(i * 2, true))
    scratch.setUint32(0, view.getUint16(i * 2, true) << 16)
    return scratch.getFloat32(0)
  }
  expect(expected.map((_, i) => read(i))).toEqual(expected)
})

it.each(['f32', 'bf16'] as const)(
  'turns a %s matrix that is stored by columns, every second row of it',
  (dtype) => {
    using device = Device.open('cpu', { threads: 2 })
    const [rows, columns, stored] = [37, 70, 80]
    // Element (row, column) is at column * stored + 2 * row + 1.
    const values = Float32Array.from({ length: columns * stored }, (_, i) => (i % 251) - 125)
    using file = MappedFile.open(fileOf(`turned-${dtype}`, new Uint8Array(values.buffer)))
    const part = { file, offset: 4, dtype: 'f32' as const, rows, columns, rowStride: 2, columnStride: stored }
    const valueAt = (row: number, column: number): number => values[column * stored + 2 * row + 1]!
    using plain = device.allocate(rows * columns * 4, 'plain')
    device.loadVector(plain, { offset: 0, dtype: 'f32' }, part)
    const found = new Float32Array(rows * columns)
    plain.read(found)
    expect(found).toEqual(Float32Array.from(found, (_, i) => valueAt(Math.floor(i / columns), i % columns)))

    const place = { offset: 0, dtype, rows, columns, firstRow: 0 }
    const rowMajor = { values: found, rows, columns }
    const size = device.matrixBytes(dtype, rows, columns)
    const bytesOf = (load: (buffer: ReturnType<Device['allocate']>) => void, size: number): Uint8Array => {
      using buffer = device.allocate(size, 'matrix')
      buffer.fill(0)
      load(buffer)
      const bytes = new Uint8Array(size)
      buffer.read(bytes)
      return bytes
    }
    expect(bytesOf((buffer) => device.loadMatrix(buffer, place, part), size)).toEqual(
      bytesOf((buffer) => device.loadMatrix(buffer, place, rowMajor), size),
    )
    const quantized = { ...place, dtype: 'i8' as const }
    const scales = device.matrixBytes('i8', rows, columns)
    const whole = scales + rows * 4
    expect(bytesOf((buffer) => device.loadQuantized(buffer, quantized, scales, part), whole)).toEqual(
      bytesOf((buffer) => device.loadQuantized(buffer, quantized, scales, rowMajor), whole),
    )
    expect(() => device.loadVector(plain, { offset: 0, dtype: 'f32' }, { ...part, columns: 71 })).toThrow(
      'it is truncated or its header is wrong',
    )
  },
)

it('refuses types that cannot be converted', () => {
  using device = Device.open('cpu')
  using buffer = device.allocate(64, 'ids')
  const source = { values: new Float32Array(4), rows: 1, columns: 4 }
  expect(() => device.loadVector(buffer, { offset: 0, dtype: 'i32' }, source)).toThrow(
    'load f32 as i32: expected two types of numbers',
  )
})

it('a truncated file is a typed error, whether it was short from the start or became so', () => {
  using device = Device.open('cpu')
  using buffer = device.allocate(1 << 16, 'weights')
  const path = fileOf('short', new Uint8Array(8192))
  using file = MappedFile.open(path)
  const source = { file, offset: 4096, dtype: 'f32' as const, rows: 32, columns: 32 }
  const load = (offset: number) => () =>
    device.loadVector(buffer, { offset: 0, dtype: 'bf16' }, { ...source, offset })
  expect(load(4096)).not.toThrow()
  expect(load(4100)).toThrow(
    `${path}: bytes 4100 to 8196 asked for, the file has 8192: it is truncated or its header is wrong`,
  )
  expect(() => file.read(8192, 1)).toThrow('it is truncated or its header is wrong')
  expect(() => file.read(2 ** 53, 2 ** 53)).toThrow('it is truncated or its header is wrong')
  expect(file.read(8190, 2)).toEqual(new Uint8Array(2))
  truncateSync(path, 100)
  expect(load(0)).toThrow(`${path}: the file became shorter than the 8192 bytes it had when it was opened`)
  expect(() => file.read(0, 1)).toThrow('became shorter')
})

it.each([
  [join(directory, 'missing'), 'cannot open: No such file or directory'],
  [directory, 'expected a regular file'],
])('refuses to map %s', (path, reason) => {
  expect(() => MappedFile.open(path)).toThrow(`${path}: ${reason}`)
})

it('maps an empty file', () => {
  using file = MappedFile.open(fileOf('empty', new Uint8Array()))
  expect(file.size).toBe(0)
  expect(file.read(0, 0)).toEqual(new Uint8Array())
})

it('gaussian values have the deviation asked for and depend on the seed alone', () => {
  const draw = (threads: number, seed: number): Float32Array => {
    using device = Device.open('cpu', { threads })
    using buffer = device.allocate(400_000, 'noise')
    device.fillGaussian(buffer, { offset: 0, dtype: 'f32', count: 100_000 }, 0.02, seed)
    const values = new Float32Array(100_000)
    buffer.read(values)
    return values
  }
  const values = draw(1, 3)
  expect(draw(4, 3)).toEqual(values)
  expect(draw(1, 4)).not.toEqual(values)
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
  expect(Math.abs(mean)).toBeLessThan(2e-4)
  expect(deviation).toBeCloseTo(0.02, 4)
})
