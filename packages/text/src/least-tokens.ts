import { isObject, type JsonObject } from './json-file.js'
import type { TokenizerJson } from './tokenizer-json.js'

/**
 * A lower bound of the number of tokens of a text, in time linear in its length: its bytes over those of the longest
 * token. White space counts on neither side, because tokenizers may drop it. Gives 0 for a tokenizer that may make a
 * text shorter in ways this does not know (an unknown normalizer, unknown words that become one token).
 */
export function leastTokensOf(json: TokenizerJson): (text: string) => number {
  const shrink = keepsEveryByte(json) ? shrinkOf(json.normalizer) : undefined
  if (shrink === undefined) return () => 0
  let longest: number | undefined
  return (text) => {
    longest ??= longestToken(json) * shrink
    return Math.ceil(inkBytes(text) / longest)
  }
}

/** Byte-level and byte-fallback vocabularies spell any text: there is no unknown word. */
function keepsEveryByte({ model, decoder, pre_tokenizer: split }: TokenizerJson): boolean {
  if (model.type === 'WordPiece') return false
  return (
    model.byte_fallback === true || [...withParts(decoder), ...withParts(asPart(split))].some(isByteLevel)
  )
}

const isByteLevel = ({ type }: JsonObject): boolean => type === 'ByteLevel'
const asPart = (value: unknown): JsonObject | null => (isObject(value) ? value : null)

/** A part and, where it is a sequence, those it is made of. */
function withParts(part: JsonObject | null): JsonObject[] {
  if (!part) return []
  const lists = [part.decoders, part.pretokenizers, part.normalizers].filter(Array.isArray)
  return [part, ...lists.flat().filter(isObject).flatMap(withParts)]
}

/** How many times shorter a text may become before it is split; undefined where that is not known. */
function shrinkOf(normalizer: unknown): number | undefined {
  const parts = withParts(asPart(normalizer)).filter(({ type }) => type !== 'Sequence')
  const factors = parts.map((part) => {
    if (part.type === 'Prepend') return 1
    // The longest composition: three conjoining letters of Korean, nine bytes, become one syllable of three.
    if (part.type === 'NFC') return 3
    const from = asPart(part.pattern)?.String
    const isLonger =
      typeof from === 'string' && typeof part.content === 'string' && part.content.length >= from.length
    return part.type === 'Replace' && isLonger ? 1 : undefined
  })
  return factors.reduce<number | undefined>((all, one) => (all && one ? all * one : undefined), 1)
}

function longestToken({ model, added_tokens: added }: TokenizerJson): number {
  const own = Array.isArray(model.vocab)
    ? (model.vocab as [string, number][]).map(([piece]) => piece)
    : Object.keys(model.vocab as JsonObject)
  // A byte-level spelling has a character for each byte, at most two bytes long in UTF-8: counted as it is written, a
  // token is never taken for shorter than it is.
  return [...own, ...added.map(({ content }) => content)].reduce(
    (longest, token) => Math.max(longest, Buffer.byteLength(token)),
    1,
  )
}

/** Bytes of a text in UTF-8 without its white space. */
const inkBytes = (text: string): number => Buffer.byteLength(text.replace(/\s+/g, ''))
