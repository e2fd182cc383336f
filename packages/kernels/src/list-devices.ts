import { Device, type DeviceKind } from './device.js'
import { TrtllmError } from './errors.js'
import { native } from './native.js'

export interface ListedDevice {
  readonly kind: DeviceKind
  readonly ordinal: number
  readonly name: string
  readonly detail: string
  readonly totalBytes: number
  readonly freeBytes: number
  readonly computeCapability: number
}

export interface CudaStatus {
  /** Whether libtrtllm_cuda.so is beside the addon or in a platform package. */
  readonly built: boolean
  readonly loaded: boolean
  /** Why it is not loaded. */
  readonly error?: string
  /** Version of the NVIDIA driver. */
  readonly driver?: string
  /** Version of the CUDA runtime in libtrtllm_cuda.so. */
  readonly runtime?: string
  readonly devices: number
  /** Libraries opened at run time: driver (libcuda), cublasLt, nccl, nvml. */
  readonly libraries: readonly {
    readonly name: string
    readonly found: boolean
    readonly version?: string
    readonly error?: string
  }[]
}

/** Instruction sets this processor has kernels for, slowest first, and the best of them. */
export const cpuIsa = (): { best: string; all: string[] } => native().cpuIsa()

/** What there is of CUDA. Opens the libraries, never throws for lack of them. */
export function cudaStatus(): CudaStatus {
  const { path, loaded, error, runtimeVersion, devices, libraries } = native().cudaStatus()
  const driver = libraries.find(({ name }) => name === 'nvml')?.version
  const runtime = `${Math.floor(runtimeVersion / 1000)}.${Math.floor((runtimeVersion % 1000) / 10)}`
  return {
    built: path !== '',
    loaded,
    ...(error && { error }),
    ...(driver && { driver }),
    ...(runtimeVersion > 0 && { runtime }),
    devices,
    libraries,
  }
}

/** The CPU and every GPU that can be opened. */
export function listDevices(): ListedDevice[] {
  const gpus = Array.from({ length: native().cudaStatus().devices }, (_, ordinal) => ordinal)
  return [describe('cpu', 0), ...gpus.map((ordinal) => describe('cuda', ordinal))].filter(
    (d) => d !== undefined,
  )
}

function describe(kind: 'cpu' | 'cuda', ordinal: number): ListedDevice | undefined {
  let device: Device | undefined
  try {
    device = Device.open(kind === 'cpu' ? 'cpu' : `cuda:${ordinal}`)
    const { name, detail, totalBytes, freeBytes, computeCapability } = device.info()
    return { kind, ordinal, name, detail, totalBytes, freeBytes, computeCapability }
  } catch (error) {
    // A GPU that another process holds exclusively is not one to offer.
    if (error instanceof TrtllmError && kind === 'cuda') return undefined
    throw error
  } finally {
    device?.dispose()
  }
}
