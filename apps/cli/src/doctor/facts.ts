import type { CudaStatus, ListedDevice } from '@trtllm/kernels'

/** What `doctor` was asked to judge. */
export interface Wanted {
  /** As `--device`. */
  readonly device: string
  readonly dtype: string
  readonly model: string
  readonly port: number
}

/** The checkpoint that would be served. */
export interface ModelFacts {
  readonly name: string
  readonly architecture: string
  /** As its config states it. */
  readonly dtype?: string
  readonly parameters: number
  /** Tensors that the config promises and the checkpoint has. */
  readonly tensors: number
}

/** Everything that the diagnoses look at, gathered once. A part that could not be had is absent. */
export interface Facts {
  readonly wanted: Wanted
  readonly system: {
    readonly platform: string
    readonly arch: string
    /** Without the v. */
    readonly node: string
    /** Absent where the C library is another (musl). */
    readonly glibc?: string
    readonly isContainer: boolean
    readonly cpu: string
    /** Cores of the machine, and those that this process may use. */
    readonly cores: number
    readonly usableCores: number
    readonly totalBytes: number
    readonly freeBytes: number
  }
  readonly addon: {
    readonly isa?: { readonly best: string; readonly all: readonly string[] }
    readonly error?: string
  }
  readonly gpu: {
    /** NVIDIA display devices on the PCI bus. */
    readonly onBus: number
    /** Device files, such as /dev/nvidia0. */
    readonly nodes: readonly string[]
    /** Version of the kernel module. */
    readonly kernelDriver?: string
    /** CUDA_VISIBLE_DEVICES. */
    readonly visible?: string
    /** Version of nvcc on the PATH or in /usr/local/cuda. */
    readonly nvcc?: string
  }
  readonly cuda?: CudaStatus
  readonly devices: readonly ListedDevice[]
  /** What `wanted.device` comes to, or why it cannot be opened. */
  readonly backend: { readonly device?: string; readonly error?: string }
  readonly model: { readonly found?: ModelFacts; readonly error?: string }
  /** Why the model does not fit, or what it takes. */
  readonly memory: { readonly needBytes?: number; readonly freeBytes?: number; readonly error?: string }
  readonly port: {
    /** Why it cannot be listened on: EADDRINUSE, EACCES. Absent where it can. */
    readonly problem?: string
    readonly nextFree?: number
    /** Version of the trtllm-serve that answers there. */
    readonly server?: string
  }
  readonly hub: {
    readonly cache: string
    readonly isWritable: boolean
    readonly freeBytes?: number
    readonly isOffline: boolean
  }
  readonly environment: Readonly<Record<string, string | undefined>>
}
