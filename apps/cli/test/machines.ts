import type { Facts } from '../src/doctor/facts.js'

type Library = NonNullable<Facts['cuda']>['libraries'][number]

/** What a machine for serving has. */
export const libraries: Library[] = [
  { name: 'driver', found: true, version: '13.0' },
  { name: 'cublasLt', found: true, version: '13.0' },
  { name: 'nccl', found: true, version: '2.27.3' },
  { name: 'nvml', found: true, version: '580.95.05' },
]
/** A GPU as the addon lists it. */
export const h200 = {
  kind: 'cuda' as const,
  ordinal: 0,
  name: 'NVIDIA H200',
  detail: '',
  totalBytes: 150e9,
  freeBytes: 149e9,
  computeCapability: 90,
}

/** A machine on which all is well, with an H200. */
export const healthy: Facts = {
  wanted: { device: 'auto', dtype: 'auto', model: 'model', port: 8000 },
  system: {
    ...{ platform: 'linux', arch: 'x64', node: '22.11.0', glibc: '2.36', isContainer: false },
    ...{ cpu: 'Some CPU', cores: 16, usableCores: 16, totalBytes: 128e9, freeBytes: 100e9 },
  },
  addon: { isa: { best: 'avx512bf16', all: ['scalar', 'avx2', 'avx512', 'avx512bf16'] } },
  gpu: { onBus: 1, nodes: ['nvidia0'], kernelDriver: '580.95.05', nvcc: '13.0' },
  cuda: { built: true, loaded: true, driver: '580.95.05', runtime: '13.0', devices: 1, libraries },
  devices: [{ ...h200, kind: 'cpu', name: 'CPU' }, h200],
  backend: { device: 'cuda' },
  model: {
    found: { name: 'tiny', architecture: 'LlamaForCausalLM', dtype: 'bf16', parameters: 8e9, tensors: 291 },
  },
  memory: { needBytes: 20e9, freeBytes: 149e9 },
  port: {},
  hub: { cache: '/home/me/.cache/huggingface/hub', isWritable: true, freeBytes: 500e9, isOffline: false },
  environment: {},
}

/** The same machine with another part; objects are merged one level deep. */
export function machine(changes: { readonly [Part in keyof Facts]?: unknown }): Facts {
  const merged = Object.entries(changes).map(([part, change]) => {
    const old = healthy[part as keyof Facts]
    return [part, Array.isArray(change) ? change : { ...(old as object), ...(change as object) }]
  })
  return { ...healthy, ...Object.fromEntries(merged) } as Facts
}

/** The GPU is there and nothing can use it. */
export const unused = { devices: [], backend: { device: 'cpu' } }

/** The CUDA object is of no use. */
export const noCuda = { loaded: false, devices: 0 }
