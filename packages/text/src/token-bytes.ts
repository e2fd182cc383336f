import { isObject, type JsonObject } from './json-file.js'

/** The bytes of each token, for decoders that are a concatenation of bytes. */
export interface TokenBytes {
  bytesOf(id: number): Uint8Array
  /** The text of a token whose bytes are whole characters; undefined for others. */
  textOf(id: number): string | undefined
  /** Spaces that the decoder takes off the beginning of a text, at most. */
  readonly leadingSpaces: number
}

interface Vocabulary {
  /** The token as the vocabulary spells it; undefined for an id it does not have. */
  readonly tokenOf: (id: number) => string | undefined
  readonly isAdded: (id: number) => boolean
}

/** How a piece of text in the vocabulary's spelling becomes bytes. */
interface ByteDecoder {
  readonly decode: (token: string, isAdded: boolean) => Uint8Array
  readonly leadingSpaces: number
}

const encoder = new TextEncoder()
const wholeText = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/**
 * The byte table of a tokenizer whose decoder is ByteLevel or ByteFallback; undefined for other decoders, whose text
 * depends on neighbours. Entries are made when first asked for.
 */
export function tokenBytesOf(decoder: JsonObject | null, vocabulary: Vocabulary): TokenBytes | undefined {
  const found = byteLevel(decoder) ?? byteFallback(decoder)
  if (!found) return undefined
  const table: (Uint8Array | undefined)[] = []
  const texts: (string | null | undefined)[] = []
  const bytesOf = (id: number): Uint8Array => {
    const known = table[id]
    if (known) return known
    const token = vocabulary.tokenOf(id)
    const bytes = token === undefined ? new Uint8Array() : found.decode(token, vocabulary.isAdded(id))
    if (token !== undefined) table[id] = bytes
    return bytes
  }
  const textOf = (id: number): string | undefined => {
    let text = texts[id]
    if (text === undefined) {
      text = wholeTextOf(bytesOf(id))
      // An id outside the vocabulary, however large, takes no place.
      if (table[id]) texts[id] = text
    }
    return text ?? undefined
  }
  return { leadingSpaces: found.leadingSpaces, bytesOf, textOf }
}

function wholeTextOf(bytes: Uint8Array): string | null {
  try {
    return wholeText.decode(bytes)
  } catch {
    return null
  }
}

/** GPT-2's spelling: every byte is one printable character; the others are moved up to U+0100 and beyond. */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (() => {
    const printable = (byte: number) =>
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
    let moved = 0
    return Array.from({ length: 256 }, (_, byte): [string, number] => [
      String.fromCharCode(printable(byte) ? byte : 0x100 + moved++),
      byte,
    ])
  })(),
)

function byteLevel(decoder: JsonObject | null): ByteDecoder | undefined {
  const only = decoder?.type === 'Sequence' && partsOf(decoder).length === 1 ? partsOf(decoder)[0]! : decoder
  if (only?.type !== 'ByteLevel') return undefined
  return {
    leadingSpaces: 0,
    decode(token, isAdded) {
      const bytes = isAdded ? undefined : [...token].map((character) => byteOfCharacter.get(character))
      return bytes?.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : encoder.encode(token)
    },
  }
}

/** Replace..., ByteFallback, Fuse and at last perhaps a Strip of leading spaces: what SentencePiece models come with. */
function byteFallback(decoder: JsonObject | null): ByteDecoder | undefined {
  if (decoder?.type !== 'Sequence') return undefined
  const parts = partsOf(decoder)
  const types = parts.map(({ type }) => type).join(' ')
  if (!/^(Replace )*ByteFallback Fuse( Strip)?$/.test(types)) return undefined
  const replacements: [string, string][] = []
  for (const { pattern, content } of parts.filter(({ type }) => type === 'Replace')) {
    const from = isObject(pattern) ? pattern.String : undefined
    if (typeof from !== 'string' || typeof content !== 'string') return undefined
    replacements.push([from, content])
  }
  const strip = parts.find(({ type }) => type === 'Strip')
  if (strip && (strip.content !== ' ' || strip.stop !== 0)) return undefined
  return {
    leadingSpaces: Number(strip?.start ?? 0),
    decode(token) {
      const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)
      if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16))
      return encoder.encode(replacements.reduce((text, [from, to]) => text.replaceAll(from, to), token))
    },
  }
}

const partsOf = ({ decoders }: JsonObject): JsonObject[] =>
  Array.isArray(decoders) ? decoders.filter(isObject) : []
