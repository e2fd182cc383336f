import { nullPlanDevice, type PlanDevice } from '@trtllm/graph'
import { cudaStatus, Device, TrtllmError } from '@trtllm/kernels'
import type { MemoryOffer } from 'trtllm/plan-model'
import { cudaContextBytes, parseGpuMemory } from './gpu-memory.js'

/** What a plan is made for: how matrices lie there, and how much memory there is. Dispose of it when it is made. */
export interface PlanTarget extends Disposable {
  readonly device: PlanDevice
  readonly offer: MemoryOffer
}

/** The GPU that stands in where no memory is named: the one this project is measured on. */
const usualGpu = 'h200'

/**
 * The target of `--device` and `--gpu-memory`. `null` stands for a GPU that is not there. @throws TrtllmError bad_flag,
 * or what opening the device throws.
 */
export function planTarget(device: string, gpuMemory: string | undefined): PlanTarget {
  const kind = device === 'auto' ? (cudaStatus().devices > 0 ? 'cuda' : 'cpu') : device
  if (kind === 'null') return gpuTarget(nullPlanDevice, gpuMemory ?? usualGpu)
  const isGpu = /^cuda(:\d{1,3})?$/.test(kind)
  // A plan for named memory needs no GPU here: all of them keep matrices row by row.
  if (isGpu && gpuMemory !== undefined) return gpuTarget({ ...nullPlanDevice, kind: 'cuda' }, gpuMemory)
  if (!isGpu && kind !== 'cpu')
    throw new TrtllmError('bad_flag', `--device ${device}: expected null, cpu, cuda, cuda:N or auto`)
  if (gpuMemory !== undefined)
    throw new TrtllmError(
      'bad_flag',
      `--gpu-memory ${gpuMemory}: goes with --device null or cuda, not ${kind}`,
    )
  return openTarget(kind)
}

function gpuTarget(device: PlanDevice, gpuMemory: string): PlanTarget {
  const { name, bytes } = parseGpuMemory(gpuMemory)
  const contextBytes = Math.min(bytes, cudaContextBytes)
  const offer = { kind: 'cuda' as const, name, freeBytes: bytes - contextBytes, contextBytes }
  return { device, offer, [Symbol.dispose]: () => {} }
}

function openTarget(name: string): PlanTarget {
  const device = openDevice(name)
  const { freeBytes } = device.info()
  const offer = { kind: device.kind, name, freeBytes }
  return { device, offer, [Symbol.dispose]: () => device[Symbol.dispose]() }
}

/** A GPU may be planned for without being there, if its memory is named. */
function openDevice(name: string): Device {
  try {
    return Device.open(name)
  } catch (error) {
    if (name === 'cpu' || !(error instanceof TrtllmError)) throw error
    const remedy = 'or name the memory of a GPU that is not here, for instance --gpu-memory h200'
    throw new TrtllmError(error.code, `${error.message}; ${remedy}`, { cause: error })
  }
}
