import type { Output } from './request.js'

/**
 * Outputs of a step as they travel. Nearly all of them are one token and nothing else: those go as two lists.
 *
 * PERF: cloning an object with a typed array of its own for each row took most of a message of 512 rows.
 */
export interface PackedOutputs {
  readonly ids: readonly string[]
  /** The new token of each of `ids`. */
  readonly tokens: Int32Array
  /** Everything else, as it is. */
  readonly whole: readonly Output[]
}

/** An id has several outputs in one step only where they carry context logits, so that no order is lost. */
export function packOutputs(outputs: readonly Output[]): PackedOutputs {
  const plain = outputs.filter(isPlain)
  return {
    ids: plain.map(({ id }) => id),
    tokens: Int32Array.from(plain, ({ tokens }) => tokens[0]!),
    whole: plain.length === outputs.length ? [] : outputs.filter((output) => !isPlain(output)),
  }
}

/** The outputs that were packed, each with memory of its own. */
export function* unpackOutputs({ ids, tokens, whole }: PackedOutputs): Generator<Output> {
  for (const [index, id] of ids.entries()) yield { id, tokens: Int32Array.of(tokens[index]!) }
  yield* whole
}

/** A token alone: nothing but `id` and `tokens`. */
const isPlain = (output: Output): boolean => {
  if (output.tokens.length !== 1) return false
  for (const part in output) if (part !== 'id' && part !== 'tokens') return false
  return true
}
