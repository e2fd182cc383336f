import { expect, it } from 'vitest'
import { Device, MappedFile, type TrtllmError } from './index.js'

const thrown = (call: () => unknown): TrtllmError => {
  try {
    call()
  } catch (error) {
    return error as TrtllmError
  }
  throw new Error('expected it to throw')
}

it('models the memory it is told to have', () => {
  using device = Device.open('null', { memoryBytes: 1000 })
  using buffer = device.allocate(600, 'weights')
  expect(device.info()).toMatchObject({ totalBytes: 1000, freeBytes: 400 })
  const error = thrown(() => device.allocate(401, 'kv cache'))
  expect(error).toMatchObject({ code: 'out_of_memory', exitCode: 69 })
  expect(error.message).toBe('kv cache: 401 bytes asked for, 400 of 1000 free')
  expect(buffer.bytes).toBe(600)
})

it('counts what is alive and the most there was', () => {
  using device = Device.open('null')
  for (let i = 0; i < 1000; i++) device.allocate(100, `buffer ${i}`).dispose()
  const kept = device.allocate(50, 'kept')
  expect(device.counters()).toEqual({ liveBuffers: 1, liveBytes: 50, peakBytes: 100, launches: 0 })
  kept.dispose()
  expect(device.counters()).toMatchObject({ liveBuffers: 0, liveBytes: 0 })
})

it('takes 100 GB of weights from nowhere', () => {
  using device = Device.open('null')
  using buffer = device.allocate(100e9, 'weights')
  device.loadVector(
    buffer,
    { offset: 90e9, dtype: 'bf16' },
    { values: new Float32Array(6), rows: 2, columns: 3 },
  )
  expect(device.matrixBytes('bf16', 128_256, 8192)).toBe(128_256 * 8192 * 2)
})

it('refuses ranges that are not in the buffer', () => {
  using device = Device.open('null')
  using buffer = device.allocate(64, 'small')
  expect(thrown(() => buffer.write(new Uint8Array(65)))).toMatchObject({
    code: 'out_of_range',
    message: "write: bytes 0 to 65 of buffer 'small', which has 64",
  })
  expect(thrown(() => buffer.read(new Uint8Array(8), 60)).code).toBe('out_of_range')
  expect(thrown(() => buffer.write(new Uint8Array(1), -1)).code).toBe('out_of_range')
  expect(thrown(() => buffer.write(new Uint8Array(1), 0.5)).code).toBe('out_of_range')
  const source = { values: new Float32Array(16), rows: 4, columns: 4 }
  const place = { offset: 0, dtype: 'f32' as const, rows: 4, columns: 4, firstRow: 1 }
  expect(thrown(() => device.loadMatrix(buffer, place, source)).message).toBe(
    'load of [4, 4] at row 1 of a [4, 4] matrix',
  )
})

it('anything used after disposal throws a typed error', () => {
  const device = Device.open('null')
  const buffer = device.allocate(64, 'weights')
  const file = MappedFile.open(import.meta.filename)
  for (const object of [buffer, file, device]) {
    object.dispose()
    object.dispose()
    expect(object.disposed).toBe(true)
  }
  expect(thrown(() => device.info())).toMatchObject({
    code: 'internal',
    message: 'device null is used after it was disposed of',
  })
  expect(thrown(() => device.allocate(1, 'x')).code).toBe('internal')
  expect(thrown(() => buffer.fill(0)).message).toBe("buffer 'weights' is used after it was disposed of")
  expect(thrown(() => file.read(0, 1)).code).toBe('internal')
})

it('a buffer outlives its device', () => {
  const device = Device.open('null')
  using buffer = device.allocate(64, 'late')
  device.dispose()
  buffer.fill(0)
})

it.each(['gpu', 'cuda:x', 'cpu:1', ''])('refuses the device name "%s"', (name) => {
  expect(thrown(() => Device.open(name))).toMatchObject({
    code: 'bad_flag',
    exitCode: 64,
    message: `device '${name}': expected cpu, cuda, cuda:N or null`,
  })
})
