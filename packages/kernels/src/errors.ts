/** What a request can fail with; HTTP status and retry advice follow from it (packages/serve). */
export type RequestErrorCode =
  | 'invalid_request'
  | 'invalid_type'
  | 'out_of_range'
  | 'unsupported'
  | 'context_length_exceeded'
  | 'too_many_choices'
  | 'payload_too_large'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'rate_limited'
  | 'overloaded'
  | 'deadline_exceeded'
  | 'slow_client'
  | 'cancelled'
  | 'engine_died'
  | 'engine_stalled'
  | 'server_shutdown'
  | 'internal'

/** What starting or loading can fail with; the process exits with the number beside it. */
const exitCodes = {
  bad_flag: 64,
  bad_checkpoint: 65,
  unknown_architecture: 65,
  bad_tokenizer: 65,
  device_unavailable: 69,
  driver_too_old: 69,
  out_of_memory: 69,
  engine_fault: 70,
  port_in_use: 71,
  contradictory_config: 78,
} as const

export type LoadErrorCode = keyof typeof exitCodes
export type ErrorCode = RequestErrorCode | LoadErrorCode

export interface TrtllmErrorOptions {
  readonly cause?: unknown
  /** Plain data about the failure: names, numbers, what was expected. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Exit code of a process that ends by this error, where the code alone does not say it. */
  readonly exitCode?: number
}

/** The one error class of trtllm: `code` says what kind, the message what was wrong, expected and the remedy. */
export class TrtllmError extends Error {
  override readonly name = 'TrtllmError'
  readonly code: ErrorCode
  /** Exit code of a process that ends by this error; absent for errors of single requests. */
  declare readonly exitCode?: number
  declare readonly details?: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: TrtllmErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    const exitCode = options.exitCode ?? (exitCodes[code as LoadErrorCode] as number | undefined)
    if (exitCode !== undefined) this.exitCode = exitCode
    if (options.details) this.details = options.details
  }
}

/** Exit code for a process that ends by `error`: sysexits-like for load errors, 70 for `engine_*`, else 1. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error) || !('code' in error)) return 1
  if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode
  const { code } = error
  if (typeof code !== 'string') return 1
  if (code in exitCodes) return exitCodes[code as LoadErrorCode]
  return code === 'engine_died' || code === 'engine_stalled' ? 70 : 1
}
