import { cudaStatus, Device, TrtllmError } from '@trtllm/kernels'

/**
 * Opens the device asked for. `auto` is a GPU where one can be used, else the CPU.
 * @throws TrtllmError bad_flag, device_unavailable or driver_too_old.
 */
export function openDevice(name: string, threads: number | undefined): Device {
  const options = threads === undefined ? {} : { threads }
  if (name !== 'auto') return Device.open(name, options)
  if (cudaStatus().devices > 0) {
    try {
      return Device.open('cuda')
    } catch (error) {
      // A GPU whose driver is too old, or that others hold, is no usable one.
      if (!(error instanceof TrtllmError)) throw error
    }
  }
  return Device.open('cpu', options)
}
