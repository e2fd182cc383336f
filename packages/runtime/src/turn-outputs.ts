import type { EngineRequest, Output } from './request.js'

/**
 * What a turn of the engine brought. Nearly all of it is a token of a request and nothing else: those are two lists, in
 * the order in which they came. Everything else is whole, and comes after them.
 */
export interface TurnOutputs {
  readonly requests: readonly EngineRequest[]
  /** The new token of each of `requests`, one of which may be there once for each step that was read. */
  readonly tokens: readonly number[]
  readonly whole: readonly Output[]
}

/** The same as plain outputs, those of one request in their order. */
export function* eachOutput({ requests, tokens, whole }: TurnOutputs): Generator<Output> {
  for (const [index, { id }] of requests.entries()) yield { id, tokens: Int32Array.of(tokens[index]!) }
  yield* whole
}

/** A request as it travels: the front side chose a number for it. */
export interface NumberedRequest extends EngineRequest {
  readonly number: number
}

/**
 * The outputs of a turn as they travel.
 *
 * PERF: an object with a typed array of its own for each row took most of a message of 512 rows, ids of text the most of
 * what was left.
 */
export interface PackedOutputs {
  /** Numbers of requests, and the new token of each. */
  readonly numbers: Int32Array
  readonly tokens: Int32Array
  readonly whole: readonly Output[]
}

/** Packs the outputs of numbered requests. */
export function packOutputs({ requests, tokens, whole }: TurnOutputs): PackedOutputs {
  const numbers = new Int32Array(requests.length)
  for (let i = 0; i < numbers.length; i++) numbers[i] = (requests[i] as NumberedRequest).number
  return { numbers, tokens: Int32Array.from(tokens), whole }
}
