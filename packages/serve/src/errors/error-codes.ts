import type { ErrorCode as LowerErrorCode } from 'trtllm'

/** What a client sees for each stable error code: HTTP status and OpenAI's coarse error type. */
export const errorCodes = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_type: { status: 400, type: 'invalid_request_error' },
  out_of_range: { status: 400, type: 'invalid_request_error' },
  unsupported: { status: 400, type: 'invalid_request_error' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error' },
  too_many_choices: { status: 400, type: 'invalid_request_error' },
  payload_too_large: { status: 413, type: 'invalid_request_error' },
  unauthorized: { status: 401, type: 'authentication_error' },
  forbidden: { status: 403, type: 'permission_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  overloaded: { status: 503, type: 'overloaded_error' },
  deadline_exceeded: { status: 504, type: 'timeout_error' },
  slow_client: { status: 408, type: 'timeout_error' },
  cancelled: { status: 499, type: 'cancelled_error' },
  engine_died: { status: 503, type: 'server_error' },
  engine_stalled: { status: 503, type: 'server_error' },
  server_shutdown: { status: 503, type: 'server_error' },
  internal: { status: 500, type: 'server_error' },
} as const satisfies Partial<Record<LowerErrorCode, { status: number; type: string }>>

/** A stable, documented error code of the HTTP interface. */
export type ErrorCode = keyof typeof errorCodes

/** True when `code` is one of the codes a client may see. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}
