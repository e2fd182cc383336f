import type { DType } from './dtype.js'

declare const handle: unique symbol

/** An opaque reference to a native object of kind K (native/bind/handle.h). */
export interface NativeHandle<K extends string = string> {
  readonly [handle]: K
}

export interface NativeSizes {
  readonly tokens: number
  readonly rows: number
  readonly seqs: number
}

export interface NativeItem extends NativeSizes {
  readonly plan: NativeHandle
  readonly captured: boolean
  readonly probes: readonly (readonly [operand: number, firstRow: number, rows: number, late: boolean])[]
  readonly probeBytes: readonly number[]
}

export interface NativeDeviceInfo {
  readonly name: string
  readonly detail: string
  readonly computeCapability: number
  readonly units: number
  readonly totalBytes: number
  readonly freeBytes: number
}

export interface NativeLibrary {
  readonly name: string
  readonly found: boolean
  readonly version?: string
  readonly error?: string
}

export interface NativeCudaStatus {
  readonly path: string
  readonly loaded: boolean
  readonly error: string
  readonly runtimeVersion: number
  readonly devices: number
  readonly libraries: NativeLibrary[]
}

/** Rows, columns, then either values or (file, offset, dtype, rowStride, columnStart). */
export type NativeMatrixSource =
  | readonly [rows: number, columns: number, values: Float32Array]
  | readonly [
      rows: number,
      columns: number,
      file: NativeHandle,
      offset: number,
      dtype: DType,
      rowStride: number,
      columnStart: number,
      columnStride: number,
    ]

export type NativeDone = (
  ticket: number,
  microseconds: number,
  idleMicroseconds: number,
  nativeCode: number,
  message: string,
  probes: ArrayBuffer[],
) => void

/** The functions of the addon (native/bind). They throw Errors with a `nativeCode` (native/core/status.h). */
export interface Native {
  openDevice(kind: string, ordinal: number, threads: number, isa: string, memoryBytes: number): NativeHandle
  deviceInfo(device: NativeHandle): NativeDeviceInfo
  deviceCounters(device: NativeHandle): {
    liveBuffers: number
    liveBytes: number
    peakBytes: number
    launches: number
  }
  matrixLayout(device: NativeHandle): 'strided' | 'panel'
  matrixBytes(device: NativeHandle, dtype: DType, rows: number, columns: number): number
  cpuIsa(): { best: string; all: string[] }
  useCudaLibrary(path: string): void
  cudaStatus(): NativeCudaStatus

  dispose(object: NativeHandle): void
  allocate(device: NativeHandle, bytes: number, label: string): NativeHandle
  bufferWrite(buffer: NativeHandle, offset: number, source: ArrayBufferView): void
  bufferRead(buffer: NativeHandle, offset: number, target: ArrayBufferView): void
  bufferFill(buffer: NativeHandle, byte: number): void
  fillGaussian(
    buffer: NativeHandle,
    offset: number,
    dtype: DType,
    count: number,
    standardDeviation: number,
    seed: number,
  ): void
  loadMatrix(
    buffer: NativeHandle,
    offset: number,
    dtype: DType,
    rows: number,
    columns: number,
    firstRow: number,
    ...source: NativeMatrixSource
  ): void
  loadQuantized(
    buffer: NativeHandle,
    offset: number,
    dtype: DType,
    rows: number,
    columns: number,
    firstRow: number,
    scaleOffset: number,
    ...source: NativeMatrixSource
  ): void
  loadScaled(
    buffer: NativeHandle,
    offset: number,
    dtype: DType,
    rows: number,
    columns: number,
    firstRow: number,
    scales: Float32Array,
    scaleRows: number,
    scaleColumns: number,
    blockRows: number,
    blockColumns: number,
    fromRow: number,
    fromColumn: number,
    ...source: NativeMatrixSource
  ): void
  loadVector(buffer: NativeHandle, offset: number, dtype: DType, ...source: NativeMatrixSource): void

  openFile(path: string): NativeHandle
  fileSize(file: NativeHandle): number
  readFile(file: NativeHandle, offset: number, length: number): Uint8Array<ArrayBuffer>

  createPlan(device: NativeHandle, spec: object): NativeHandle
  planMemory(plan: NativeHandle): { arenaBytes: number; workspaceBytes: number }
  explainPlan(plan: NativeHandle): { op: string; kernel: string; label: string }[]
  capturePlan(plan: NativeHandle, sizes: NativeSizes): boolean

  createRing(device: NativeHandle, slabWords: number, resultWords: number, depth: number): NativeHandle
  ringSlab(ring: NativeHandle, entry: number): ArrayBuffer
  ringResults(ring: NativeHandle, entry: number): ArrayBuffer
  detach(buffer: ArrayBuffer): void
  createExecutor(device: NativeHandle, ring: NativeHandle, onDone: NativeDone): NativeHandle
  submit(executor: NativeHandle, ticket: number, entry: number, items: readonly NativeItem[]): void
  closeExecutor(executor: NativeHandle): void
}
