import { isObject, type JsonObject } from './json-file.js'
import type { AddedToken, TokenizerJson } from './tokenizer-json.js'

/** Names under which tokenizer_config.json lists single special tokens; templates see them as variables. */
const names = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const

/** Special tokens by the names chat templates use for them. */
export type NamedTokens = Partial<Record<(typeof names)[number], string>>

/** A token is written as its text or as an object with `content`. */
const contentOf = (value: unknown): string | undefined => {
  const content = isObject(value) ? value.content : value
  return typeof content === 'string' ? content : undefined
}

/** The special tokens that tokenizer_config.json names. */
export function namedTokens(config: JsonObject): NamedTokens {
  const found = names.flatMap((name) => {
    const content = contentOf(config[name])
    return content === undefined ? [] : [[name, content] as const]
  })
  return Object.fromEntries(found)
}

/**
 * The added tokens of both files: those of tokenizer.json, those that only tokenizer_config.json lists, and the tokens
 * it names, all of which count as special.
 */
export function mergeAddedTokens(
  tokenizer: TokenizerJson,
  config: JsonObject,
  idOf: (token: string) => number | undefined,
): AddedToken[] {
  const merged = new Map<string, AddedToken>(tokenizer.added_tokens.map((token) => [token.content, token]))
  const listed = isObject(config.added_tokens_decoder) ? Object.entries(config.added_tokens_decoder) : []
  for (const [id, token] of listed) {
    const content = contentOf(token)
    if (content === undefined || merged.has(content) || !isObject(token) || !/^\d+$/.test(id)) continue
    merged.set(content, { ...token, id: Number(id), content, special: token.special === true })
  }
  const extra = Array.isArray(config.additional_special_tokens) ? config.additional_special_tokens : []
  for (const content of [...Object.values(namedTokens(config)), ...extra.map(contentOf)]) {
    if (content === undefined) continue
    const known = merged.get(content)
    const id = known?.id ?? idOf(content)
    if (id !== undefined) merged.set(content, { ...known, id, content, special: true })
  }
  return [...merged.values()]
}
