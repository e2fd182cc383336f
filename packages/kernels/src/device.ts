import { Buffer } from './buffer.js'
import type { DType } from './dtype.js'
import { TrtllmError } from './errors.js'
import { type MatrixSource, nativeSource } from './matrix-source.js'
import { native } from './native.js'
import { callNative } from './native-error.js'
import type { NativeDeviceInfo, NativeHandle } from './native-functions.js'
import { handleOf, NativeObject } from './native-object.js'

export type DeviceKind = 'cpu' | 'null' | 'cuda'

export interface DeviceOptions {
  /** CPU: threads; default one per physical core that the process may use. */
  readonly threads?: number
  /** CPU: kernels to use (`cpuIsa().all`); default TRTLLM_CPU_ISA or the best. */
  readonly isa?: string
  /** null: memory to pretend, default 1 TiB. CPU: most bytes to hand out. */
  readonly memoryBytes?: number
}

/** What a device is: memory in bytes; `units` are threads or multiprocessors; `computeCapability` 90 for sm_90. */
export type DeviceInfo = NativeDeviceInfo

export interface DeviceCounters {
  readonly liveBuffers: number
  readonly liveBytes: number
  readonly peakBytes: number
  readonly launches: number
}

/** A place of a matrix [rows, columns] in a buffer; a load writes its rows from `firstRow` on. */
export interface MatrixPlace {
  readonly offset: number
  readonly dtype: DType
  readonly rows: number
  readonly columns: number
  readonly firstRow: number
}

/** Scales of a stored matrix, row-major, one for each block of it, and where in that matrix a part of it begins. */
export interface BlockScales {
  readonly values: Float32Array
  readonly rows: number
  readonly columns: number
  readonly blockRows: number
  readonly blockColumns: number
  /** Row and column of the stored matrix where the part that is read begins. */
  readonly firstRow: number
  readonly firstColumn: number
}

/** Something that runs plans. It closes when it and everything made on it are disposed of. */
export class Device extends NativeObject {
  readonly kind: DeviceKind
  /** As given to `open`: `cpu`, `null`, `cuda:1`. */
  readonly name: string
  /** How this device keeps weight matrices. */
  readonly matrixLayout: 'strided' | 'panel'

  private constructor(name: string, kind: DeviceKind, handle: NativeHandle) {
    super(`device ${name}`, handle)
    this.name = name
    this.kind = kind
    this.matrixLayout = callNative(() => native().matrixLayout(handle))
  }

  /**
   * Opens `cpu`, `null` (counts memory and launches), `cuda` or `cuda:N`.
   * @throws TrtllmError bad_flag for another name, device_unavailable, driver_too_old or out_of_memory when the device
   * cannot be opened.
   */
  static open(name: string, options: DeviceOptions = {}): Device {
    const { kind, ordinal } = parseDeviceName(name)
    const { threads = 0, isa = '', memoryBytes = 0 } = options
    const handle = callNative(() => native().openDevice(kind, ordinal, threads, isa, memoryBytes), {
      engine_fault: 'device_unavailable',
      unsupported: 'device_unavailable',
      out_of_range: 'bad_flag',
    })
    return new Device(name, kind, handle)
  }

  info(): DeviceInfo {
    return callNative(() => native().deviceInfo(handleOf(this)))
  }

  /** Buffers and bytes now alive, the most bytes ever alive, kernels launched. */
  counters(): DeviceCounters {
    return callNative(() => native().deviceCounters(handleOf(this)))
  }

  /**
   * Memory of the device, 256-byte aligned, content undefined; `label` names it in errors.
   * @throws TrtllmError out_of_memory with the bytes needed and free.
   */
  allocate(bytes: number, label: string): Buffer {
    return new Buffer(handleOf(this), bytes, label)
  }

  /** Bytes that a weight matrix takes in this device's layout. */
  matrixBytes(dtype: DType, rows: number, columns: number): number {
    return callNative(() => native().matrixBytes(handleOf(this), dtype, rows, columns))
  }

  /**
   * Converts, packs and writes `source.rows` rows of a matrix; done on return. The load of the last row also writes the
   * padding of a packed matrix.
   * @throws TrtllmError out_of_range when the place is too small, bad_checkpoint when the file is.
   */
  loadMatrix(target: Buffer, at: MatrixPlace, source: MatrixSource): void {
    const { offset, dtype, rows, columns, firstRow } = at
    callNative(() =>
      native().loadMatrix(handleOf(target), offset, dtype, rows, columns, firstRow, ...nativeSource(source)),
    )
  }

  /**
   * Writes rows of an f8 or i8 matrix as `loadMatrix` does, each divided by its largest magnitude over that of the type,
   * and those scales (f32, one a row of the matrix) from `scaleOffset` bytes on. Errors as `loadMatrix`.
   */
  loadQuantized(target: Buffer, at: MatrixPlace, scaleOffset: number, source: MatrixSource): void {
    const { offset, dtype, rows, columns, firstRow } = at
    const place = [offset, dtype, rows, columns, firstRow, scaleOffset] as const
    callNative(() => native().loadQuantized(handleOf(target), ...place, ...nativeSource(source)))
  }

  /** Writes rows as `loadMatrix` does, each element times the scale of its block, rounded once. Errors as `loadMatrix`. */
  loadScaled(target: Buffer, at: MatrixPlace, scales: BlockScales, source: MatrixSource): void {
    const { offset, dtype, rows, columns, firstRow } = at
    const place = [offset, dtype, rows, columns, firstRow] as const
    const { values, blockRows, blockColumns } = scales
    const grid = [values, scales.rows, scales.columns, blockRows, blockColumns] as const
    const from = [scales.firstRow, scales.firstColumn] as const
    callNative(() =>
      native().loadScaled(handleOf(target), ...place, ...grid, ...from, ...nativeSource(source)),
    )
  }

  /** Converts and writes the elements of `source`, row after row without gaps. Errors as `loadMatrix`. */
  loadVector(target: Buffer, at: { offset: number; dtype: DType }, source: MatrixSource): void {
    callNative(() => native().loadVector(handleOf(target), at.offset, at.dtype, ...nativeSource(source)))
  }

  /** Writes `count` near-gaussian values around 0, a fixed function of seed (an integer) and index. */
  fillGaussian(
    target: Buffer,
    at: { offset: number; dtype: DType; count: number },
    standardDeviation: number,
    seed: number,
  ): void {
    callNative(() =>
      native().fillGaussian(handleOf(target), at.offset, at.dtype, at.count, standardDeviation, seed),
    )
  }
}

function parseDeviceName(name: string): { kind: DeviceKind; ordinal: number } {
  if (name === 'cpu' || name === 'null') return { kind: name, ordinal: 0 }
  const cuda = /^cuda(?::(\d{1,3}))?$/.exec(name)
  if (cuda) return { kind: 'cuda', ordinal: Number(cuda[1] ?? 0) }
  throw new TrtllmError('bad_flag', `device '${name}': expected cpu, cuda, cuda:N or null`)
}
