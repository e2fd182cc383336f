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
 * wrong flag.
 */
const more: Partial<Record<ErrorCode, number>> = {
  invalid_request: 64,
  invalid_type: 64,
  out_of_range: 64,
  unsupported: 64,
  context_length_exceeded: 64,
  too_many_choices: 64,
}

/** The exit code of a command that ends by `error`. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof Stopped) return error.exitCode
  const { code } = Object(error) as { code?: ErrorCode }
  return (code && more[code]) ?? exitCodeOf(error)
}
