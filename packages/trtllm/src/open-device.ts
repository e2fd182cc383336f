import { cudaStatus, Device, TrtllmError } from '@trtllm/kernels'

/**
 * Opens the device asked for. `auto` is a GPU where one can be used, else the CPU.
 * @throws TrtllmError device_unavailable, driver_too_old or out_of_memory.
 */
export function openDevice(name: string, threads: number | undefined): Device {
  const options = threads === undefined ? {} : { threads }
  if (name !== 'auto') {
    try {
      return Device.open(name, options)
    } catch (error) {
      if (!(error instanceof TrtllmError) || !name.startsWith('cuda')) throw error
      const message = `device ${name}: ${error.message}; device auto uses the CPU where no GPU can be used`
      // The name was well formed: what is wrong with its number is that there is no such GPU.
      const code = error.code === 'bad_flag' ? 'device_unavailable' : error.code
      throw new TrtllmError(code, message, { cause: error })
    }
  }
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
