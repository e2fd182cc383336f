/** A supported class and the config keys its family knows. */
export interface KnownArchitecture {
  readonly name: string
  readonly keys: readonly string[]
}

/** Keys every config may have: they describe the file, the tokenizer or training, not the mathematics. */
const neutralKeys = new Set([
  '_name_or_path',
  '_attn_implementation',
  'architectures',
  'attention_dropout',
  'auto_map',
  'bos_token_id',
  'dtype',
  'embd_pdrop',
  'eos_token_id',
  'hidden_dropout',
  'initializer_range',
  'is_decoder',
  'is_encoder_decoder',
  'model_type',
  'output_attentions',
  'pad_token_id',
  'resid_pdrop',
  'torch_dtype',
  'transformers_version',
  'unsloth_fixed',
  'unsloth_version',
  'use_cache',
])

/** Config keys that two classes of unlike names must share to be called near. */
const leastShared = 8
const tooFar = Number.MAX_SAFE_INTEGER

/**
 * Says which supported class is nearest to an unknown one, and which keys of its config that class does not know.
 * Nearest = most shared config keys, then the fewest edits of the name, then the order of `known`; none where neither
 * name nor config is like any.
 */
export function describeNearest(
  name: string,
  configKeys: readonly string[],
  known: readonly KnownArchitecture[],
): string {
  const keys = configKeys.filter((key) => !neutralKeys.has(key))
  const ranked = known
    .map((candidate) => {
      const unknown = keys.filter((key) => !candidate.keys.includes(key))
      return { candidate, unknown, edits: misspelling(name, candidate.name) }
    })
    .sort((a, b) => a.unknown.length - b.unknown.length || a.edits - b.edits)
  const nearest = ranked[0]!
  const supported = known.map(({ name }) => name).join(', ')
  const shared = keys.length - nearest.unknown.length
  const isLike = shared >= leastShared && nearest.unknown.length * 4 <= keys.length
  if (!isLike && ranked.every(({ edits }) => edits === tooFar))
    return `no supported one is like it; supported: ${supported}`
  const differs = nearest.unknown.length
    ? `it does not know ${nearest.unknown.sort().join(', ')}`
    : 'its config has no key that class does not know, so only the name differs'
  return `nearest supported: ${nearest.candidate.name} (${differs}); supported: ${supported}`
}

/** Edits between two names that may be one; names that differ in more than a quarter are all equally far. */
function misspelling(a: string, b: string): number {
  const edits = editDistance(a, b)
  return edits * 4 <= Math.max(a.length, b.length) ? edits : tooFar
}

/** Levenshtein distance: single-character inserts, deletes and replacements. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1))
    }
    previous = row
  }
  return previous[b.length]!
}
