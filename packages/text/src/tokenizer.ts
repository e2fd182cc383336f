import type { Tokenizer as Encoder } from '@huggingface/tokenizers'
import { TrtllmError } from '@trtllm/kernels'
import type { ChatMessage } from './chat-message.js'
import type { ChatTemplates, RenderOptions } from './chat-template.js'
import { ByteDetokenizer, type Detokenizer, WindowDetokenizer } from './detokenizer.js'
import { encodeText } from './encode-text.js'
import { EncodeThread } from './encode-thread.js'
import { leastTokensOf } from './least-tokens.js'
import type { NamedTokens } from './special-tokens.js'
import { type TokenBytes, tokenBytesOf } from './token-bytes.js'
import type { TokenizerJson } from './tokenizer-json.js'

export interface EncodeOptions {
  /** Whether the post-processor adds its tokens (a beginning-of-text id). Default true; false for rendered chats. */
  readonly addSpecialTokens?: boolean
}

export interface DecodeOptions {
  /** Whether special tokens are left out of the text. */
  readonly skipSpecialTokens?: boolean
}

/** What a tokenizer is made of. */
export interface TokenizerParts {
  /** Model directory, for the thread that encodes long texts. */
  readonly directory: string
  readonly json: TokenizerJson
  readonly encoder: Encoder
  readonly names: NamedTokens
  readonly templates: ChatTemplates
}

/** Texts longer than this many characters are encoded in a thread of their own. */
export const longText = 16 * 1024

/**
 * Text to token ids and back, and the chat templates, of one model. Made by {@link loadTokenizer}. Dispose of it to end
 * its thread early; the thread does not keep the process alive.
 */
export class Tokenizer implements Disposable {
  /** One above the largest id. */
  readonly vocabSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  /** Special tokens by the names chat templates use: `bos_token`, `eos_token`, ... */
  readonly specialTokens: Readonly<NamedTokens>
  readonly #encoder: Encoder
  readonly #templates: ChatTemplates
  readonly #special: ReadonlySet<number>
  readonly #bytes: TokenBytes | undefined
  readonly #thread: EncodeThread
  readonly #leastTokens: (text: string) => number

  /** @internal Use `loadTokenizer`. */
  constructor({ directory, json, encoder, names, templates }: TokenizerParts) {
    this.#encoder = encoder
    this.#templates = templates
    this.#thread = new EncodeThread(directory)
    this.#leastTokens = leastTokensOf(json)
    this.specialTokens = names
    const added = new Set(json.added_tokens.map(({ id }) => id))
    this.#special = new Set(json.added_tokens.filter(({ special }) => special).map(({ id }) => id))
    this.#bytes = tokenBytesOf(json.decoder, {
      tokenOf: (id) => encoder.id_to_token(id),
      isAdded: (id) => added.has(id),
    })
    let largest = -1
    for (const id of encoder.get_vocab().values()) largest = Math.max(largest, id)
    this.vocabSize = largest + 1
    const idOf = (token: string | undefined) => (token === undefined ? undefined : encoder.token_to_id(token))
    this.bosId = idOf(names.bos_token)
    this.eosId = idOf(names.eos_token)
  }

  get hasChatTemplate(): boolean {
    return !this.#templates.isEmpty
  }

  /** Token ids of a text. A lone surrogate becomes U+FFFD. @throws TrtllmError invalid_type for anything but a string. */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): number[] {
    checkText(text)
    if (text === '' && !addSpecialTokens) return []
    return encodeText(this.#encoder, text, addSpecialTokens)
  }

  /** As `encode`, but a long text does not hold up the event loop. */
  async encodeAsync(text: string, options: EncodeOptions = {}): Promise<number[]> {
    checkText(text)
    const ids = text.length > longText ? await this.#thread.encode(text, options) : undefined
    return ids ?? this.encode(text, options)
  }

  /** A lower bound of a text's tokens that costs little beside encoding it; 0 where nothing is known. */
  leastTokens(text: string): number {
    checkText(text)
    return this.#leastTokens(text)
  }

  /** The text of token ids; ids outside the vocabulary have none. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const detokenizer = this.#bytes && this.createDetokenizer(options)
    if (detokenizer) return detokenizer.push(ids) + detokenizer.flush()
    return this.#decodeWhole([...ids].filter((id) => !(options.skipSpecialTokens && this.#special.has(id))))
  }

  /** A streaming decoder. For byte-level tokenizers its pieces join to what `decode` gives. */
  createDetokenizer({ skipSpecialTokens = false }: DecodeOptions = {}): Detokenizer {
    const skips = skipSpecialTokens ? (id: number) => this.#special.has(id) : () => false
    return this.#bytes
      ? new ByteDetokenizer(this.#bytes, skips)
      : new WindowDetokenizer((ids) => this.#decodeWhole(ids), skips)
  }

  /** The text of one token on its own; bytes that are no whole character show as U+FFFD. */
  tokenText(id: number): string {
    return this.#bytes ? new TextDecoder().decode(this.#bytes.bytesOf(id)) : this.#decodeWhole([id])
  }

  /** The bytes of one token on its own; none for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    return this.#bytes ? this.#bytes.bytesOf(id).slice() : new TextEncoder().encode(this.#decodeWhole([id]))
  }

  /** The id of a token by its exact spelling in the vocabulary, e.g. `<|im_end|>`. */
  tokenId(token: string): number | undefined {
    return this.#encoder.token_to_id(token)
  }

  /** Whether the token is a control token that texts usually leave out. */
  isSpecial(id: number): boolean {
    return this.#special.has(id)
  }

  /**
   * The text of a conversation by the model's chat template, to be encoded without special tokens.
   * @throws TrtllmError unsupported where there is no template, invalid_request when the template refuses the messages.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return this.#templates.render(messages, options)
  }

  [Symbol.dispose](): void {
    this.#thread.close()
  }

  #decodeWhole(ids: readonly number[]): string {
    const known = ids.filter((id) => this.#encoder.id_to_token(id) !== undefined)
    if (known.length === 0) return ''
    return this.#encoder.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false })
  }
}

function checkText(text: unknown): asserts text is string {
  if (typeof text !== 'string')
    throw new TrtllmError('invalid_type', `text to encode must be a string, not ${typeof text}`)
}
