import { TrtllmError } from '@trtllm/kernels'
import type { SerializedError } from './request.js'

/** An error as plain data, for another process. */
export function serializeError(error: unknown): SerializedError {
  if (!(error instanceof TrtllmError)) {
    return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
  }
  const { code, message, details } = error
  return { code, message, ...(details && { details }) }
}

/** The error that `serializeError` described. */
export function deserializeError({ code, message, details }: SerializedError): TrtllmError {
  return new TrtllmError(code, message, details ? { details } : {})
}
