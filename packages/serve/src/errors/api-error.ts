import { type ErrorCode, errorCodes, isErrorCode } from './error-codes.js'
import { requestField } from './request-field.js'

/** Optional parts of an {@link ApiError}. `retryAfterSeconds` becomes the Retry-After header (1 to 60). */
export interface ApiErrorOptions {
  param?: string | null
  status?: number
  retryAfterSeconds?: number
  headers?: Record<string, string>
  cause?: unknown
}

/** OpenAI's error envelope with our `code` registry and the id that also stands in the server's log. */
export interface ErrorEnvelope {
  error: { message: string; type: string; param: string | null; code: ErrorCode }
  request_id: string
}

/** An error that a client may see. Its message must be free of paths, addresses and stack traces. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly param: string | null
  readonly retryAfterSeconds: number | undefined
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = options.status ?? errorCodes[code].status
    this.param = options.param ?? null
    this.retryAfterSeconds = options.retryAfterSeconds
    this.headers = options.headers ?? {}
  }

  /** The JSON body of this error. */
  envelope(requestId: string): ErrorEnvelope {
    const { type } = errorCodes[this.code]
    return {
      error: { message: this.message, type, param: this.param, code: this.code },
      request_id: requestId,
    }
  }
}

const looksPrivate = /0x[0-9a-f]{6,}|(?:^|[\s'"(])\/(?:home|tmp|root|proc|usr|var|opt|etc)\b|\n\s+at /i

/**
 * Turns anything thrown into an {@link ApiError}. Errors of lower rooms carry a `code` of the same registry and keep
 * it, whether they are instances or came over the engine protocol, and name the request's field; anything else is
 * `internal`, described by nothing but the request id.
 */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const known = error as { code?: unknown; message?: unknown; details?: { field?: unknown } }
  if (typeof error === 'object' && error !== null && isErrorCode(known.code) && known.code !== 'internal') {
    const field = typeof known.details?.field === 'string' ? known.details.field : undefined
    const param = field === undefined ? null : requestField(field)
    const told = typeof known.message === 'string' ? known.message : known.code
    const text = field === undefined ? told : told.replaceAll(field, param!)
    return new ApiError(known.code, looksPrivate.test(text) ? publicText(known.code) : text, {
      param,
      cause: error,
    })
  }
  return new ApiError(
    'internal',
    'The server failed on this request; its log has the reason by request id.',
    {
      cause: error,
    },
  )
}

function publicText(code: ErrorCode): string {
  return `The request ended with ${code}; the server's log has the reason by request id.`
}
