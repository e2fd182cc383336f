import { badTokenizer } from './bad-tokenizer.js'
import { isObject, type JsonObject, show } from './json-file.js'

/** A token that stands outside the model's vocabulary rules. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

/** A checked tokenizer.json: every part the tokenizer library reads is there. */
export interface TokenizerJson extends JsonObject {
  readonly added_tokens: readonly AddedToken[]
  readonly decoder: JsonObject | null
  readonly model: JsonObject
}

const modelTypes = ['BPE', 'Unigram', 'WordPiece']

/** The stages of a tokenizer, and what a sequence of several is called in each. */
const partLists = {
  decoder: 'decoders',
  normalizer: 'normalizers',
  post_processor: 'processors',
  pre_tokenizer: 'pretokenizers',
} as const

/**
 * Checks the parts of a tokenizer.json that decide ids, and fills absent optional ones with null.
 * @throws TrtllmError bad_tokenizer with file, key, expected and found.
 */
export function checkTokenizerJson(file: string, values: JsonObject): TokenizerJson {
  const wrong = (key: string, expected: string, found: unknown) =>
    badTokenizer(`${file}: ${key} must be ${expected}, found ${show(found)}`)
  const model = values.model
  if (!isObject(model)) throw wrong('model', 'an object with type and vocab', model)
  const type = model.type ?? (Array.isArray(model.vocab) ? 'Unigram' : 'merges' in model ? 'BPE' : undefined)
  if (typeof type !== 'string' || !modelTypes.includes(type))
    throw wrong('model.type', `one of ${modelTypes.join(', ')}`, model.type)
  if (type === 'Unigram') checkPieces(model.vocab, wrong)
  else checkVocabulary(model.vocab, wrong)
  if (type === 'BPE') checkMerges(model, wrong)
  for (const [key, parts] of Object.entries(partLists)) {
    const value = values[key]
    if (value === undefined || value === null) continue
    if (!isObject(value)) throw wrong(key, 'an object or null', value)
    checkParts(key, value, parts, wrong)
  }
  const part = (key: string): JsonObject | null => (values[key] as JsonObject | null | undefined) ?? null
  return {
    ...values,
    model: { ...model, type },
    decoder: part('decoder'),
    normalizer: part('normalizer'),
    post_processor: part('post_processor'),
    pre_tokenizer: part('pre_tokenizer'),
    added_tokens: checkAddedTokens(values.added_tokens ?? [], wrong),
  }
}

/** A sequence has objects only; one of them may be a sequence again. */
function checkParts(key: string, stage: JsonObject, parts: string, wrong: Wrong): void {
  const list = stage[parts]
  if (!Array.isArray(list)) return
  for (const [index, part] of list.entries()) {
    const place = `${key}.${parts}[${index}]`
    if (!isObject(part)) throw wrong(place, 'an object', part)
    checkParts(place, part, parts, wrong)
  }
}

type Wrong = (key: string, expected: string, found: unknown) => Error

/** Beyond every vocabulary: ids are places in a list, and one far away would fill it for minutes. */
const maxTokenId = 2 ** 24 - 1

const isId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxTokenId

function checkVocabulary(vocab: unknown, wrong: Wrong): void {
  if (!isObject(vocab)) throw wrong('model.vocab', 'an object of token ids', vocab)
  let count = 0
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id)) throw wrong(`model.vocab[${JSON.stringify(token)}]`, 'a token id', id)
    count++
  }
  if (count === 0) throw wrong('model.vocab', 'an object of token ids', vocab)
}

function checkPieces(vocab: unknown, wrong: Wrong): void {
  if (!Array.isArray(vocab) || vocab.length === 0)
    throw wrong('model.vocab', 'a list of [piece, score]', vocab)
  for (const [id, entry] of vocab.entries())
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number')
      throw wrong(`model.vocab[${id}]`, '[piece, score]', entry)
}

function checkMerges({ merges, vocab, continuing_subword_prefix: prefix }: JsonObject, wrong: Wrong): void {
  if (!Array.isArray(merges)) throw wrong('model.merges', 'a list of token pairs', merges)
  const tokens = new Set(Object.keys(vocab as JsonObject))
  for (const [rank, merge] of merges.entries()) {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge
    if (!Array.isArray(pair) || pair.length !== 2)
      throw wrong(`model.merges[${rank}]`, 'a pair of tokens', merge)
    const [left, right] = pair as [string, string]
    const merged = left + (prefix ? right.slice((prefix as string).length) : right)
    const missing = [left, right, merged].find((token) => !tokens.has(token))
    if (missing !== undefined)
      throw wrong(
        `model.merges[${rank}]`,
        `a pair whose tokens are in model.vocab (${show(missing)} is not)`,
        merge,
      )
  }
}

function checkAddedTokens(tokens: unknown, wrong: Wrong): AddedToken[] {
  if (!Array.isArray(tokens)) throw wrong('added_tokens', 'a list', tokens)
  for (const [index, token] of tokens.entries())
    if (!isObject(token) || !isId(token.id) || typeof token.content !== 'string')
      throw wrong(`added_tokens[${index}]`, 'an object with id and content', token)
  return tokens.map((token: AddedToken) => ({ ...token, special: token.special === true }))
}
