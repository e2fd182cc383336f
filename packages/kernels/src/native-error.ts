import { type ErrorCode, TrtllmError } from './errors.js'

/** Error codes by native code (native/core/status.h): ok, invalid, unsupported, memory, device, io, internal, driver. */
const codes: readonly ErrorCode[] = [
  'internal',
  'out_of_range',
  'unsupported',
  'out_of_memory',
  'engine_fault',
  'bad_checkpoint',
  'internal',
  'driver_too_old',
]

export const errorCodeOf = (nativeCode: number): ErrorCode => codes[nativeCode] ?? 'internal'

/** Runs a call into the addon; what it throws becomes a TrtllmError. `codes` replaces codes that mean more here. */
export function callNative<T>(call: () => T, replace: Partial<Record<ErrorCode, ErrorCode>> = {}): T {
  try {
    return call()
  } catch (cause) {
    if (!(cause instanceof Error) || !('nativeCode' in cause)) throw cause
    const code = errorCodeOf(Number(cause.nativeCode))
    throw new TrtllmError(replace[code] ?? code, cause.message, { cause })
  }
}
