import { type ErrorCode, exitCodeOf } from '@trtllm/kernels'

/** Why the process was asked to end: the reason that `Cli.signal` aborts with. */
export class Stopped extends Error {
  /** 128 + the number of the signal; 0 where nobody reads stdout any more. */
  readonly exitCode: number

  constructor(why: string, exitCode: number) {
    super(why)
    this.exitCode = exitCode
  }
}

/**
 * Errors that are no load errors of their own, by what a person at a command line did: a request that cannot be is a
 * wrong flag; a model that the hub does not hand out is missing model data; a hub that does not answer is a resource
 * that may be there later.
 */
const more: Partial<Record<ErrorCode, number>> = {
  invalid_request: 64,
  invalid_type: 64,
  out_of_range: 64,
  unsupported: 64,
  context_length_exceeded: 64,
  too_many_choices: 64,
  unauthorized: 65,
  forbidden: 65,
  not_found: 65,
  overloaded: 69,
}

/** The exit code of a command that ends by `error`. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof Stopped) return error.exitCode
  const { code, exitCode } = Object(error) as { code?: ErrorCode; exitCode?: unknown }
  if (typeof exitCode === 'number') return exitCode
  return (code && more[code]) ?? exitCodeOf(error)
}
