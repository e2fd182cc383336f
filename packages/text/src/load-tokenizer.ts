import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as Encoder } from '@huggingface/tokenizers'
import { badTokenizer } from './bad-tokenizer.js'
import { ChatTemplates } from './chat-template.js'
import { isObject, type JsonObject, readJsonObject } from './json-file.js'
import { mergeAddedTokens, namedTokens } from './special-tokens.js'
import { templateSources } from './template-sources.js'
import { Tokenizer } from './tokenizer.js'
import { checkTokenizerJson, type TokenizerJson } from './tokenizer-json.js'

export interface LoadTokenizerOptions {
  /** File or text of a chat template that replaces the model's own. */
  readonly chatTemplate?: string
  /** Clock of templates that print the date. */
  readonly now?: () => Date
}

/**
 * The tokenizer of a Hugging Face model directory: tokenizer.json, and tokenizer_config.json and chat templates where
 * there are any. Templates are compiled here, so that a broken one is found now.
 * @throws TrtllmError bad_tokenizer (exit code 65) with the file and what is wrong with it.
 */
export function loadTokenizer(directory: string, options: LoadTokenizerOptions = {}): Tokenizer {
  const { json, config, encoder } = openEncoder(directory)
  const names = namedTokens(config)
  const sources = templateSources(directory, config, options.chatTemplate)
  const templates = new ChatTemplates(sources, names, options.now)
  return new Tokenizer({ directory, json, encoder, names, templates })
}

/** What turns text into ids, with the files it came from. */
export function openEncoder(directory: string): {
  json: TokenizerJson
  config: JsonObject
  encoder: Encoder
} {
  const file = join(directory, 'tokenizer.json')
  if (!existsSync(file)) throw badTokenizer(missing(directory, file))
  const read = checkTokenizerJson(file, readJsonObject(file))
  const configFile = join(directory, 'tokenizer_config.json')
  const config = existsSync(configFile) ? readJsonObject(configFile) : {}
  const { vocab } = read.model
  const idOf = (token: string) => {
    if (isObject(vocab)) return Object.hasOwn(vocab, token) ? (vocab[token] as number) : undefined
    const at = (vocab as [string, number][]).findIndex(([piece]) => piece === token)
    return at < 0 ? undefined : at
  }
  const json = { ...read, added_tokens: mergeAddedTokens(read, config, idOf) }
  try {
    return { json, config, encoder: new Encoder(json, config) }
  } catch (error) {
    throw badTokenizer(`${file}: this tokenizer is not supported: ${(error as Error).message}`, error)
  }
}

function missing(directory: string, file: string): string {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    return `${directory}: not a directory; expected a model directory with tokenizer.json`
  if (existsSync(join(directory, 'tokenizer.model')))
    return (
      `${file}: not found; tokenizer.model alone is not read: ` +
      'make a tokenizer.json with AutoTokenizer.from_pretrained(...).save_pretrained(...) of Transformers'
    )
  return `${file}: not found; download it with the model, or name a directory that has it as the tokenizer`
}
