import { TrtllmError } from '@trtllm/kernels'
import { resolveModel } from '@trtllm/models/checkpoint'
import { type ChatMessage, loadTokenizer, type RenderOptions, type Tokenizer } from '@trtllm/text'
import { LLM } from './llm.js'
import type { LoadOptions } from './load-options.js'
import type { SamplingParams } from './sampling-params.js'

/** Token ids of one or more texts. */
export interface TokenizedInputs {
  inputIds: number[][]
}

/** Tokenizer in the spelling of Transformers: call it with text, decode ids with its method. */
export interface AutoTokenizerInstance {
  (text: string | readonly string[]): TokenizedInputs
  encode(text: string): number[]
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
  applyChatTemplate(messages: readonly ChatMessage[], options?: RenderOptions): TokenizedInputs
}

/** Loads tokenizers in the spelling of Transformers. */
export const AutoTokenizer = {
  /** The tokenizer of a model folder or hub id. @throws TrtllmError bad_tokenizer. */
  async fromPretrained(model: string): Promise<AutoTokenizerInstance> {
    return instanceOf(loadTokenizer(await resolveModel(model, { weights: false })))
  },
}

function instanceOf(tokenizer: Tokenizer): AutoTokenizerInstance {
  const call = (text: string | readonly string[]): TokenizedInputs => ({
    inputIds: (typeof text === 'string' ? [text] : text).map((each) => tokenizer.encode(each)),
  })
  return Object.assign(call, {
    encode: (text: string) => tokenizer.encode(text),
    decode: (ids: readonly number[], options?: { skipSpecialTokens?: boolean }) =>
      tokenizer.decode(ids, options),
    applyChatTemplate(messages: readonly ChatMessage[], options: RenderOptions = {}): TokenizedInputs {
      const text = tokenizer.render(messages, { addGenerationPrompt: true, ...options })
      return { inputIds: [tokenizer.encode(text, { addSpecialTokens: false })] }
    },
  })
}

/** How a model is loaded; `maxOutputLen` bounds every answer and is the default length. */
export interface PretrainedOptions extends LoadOptions {
  maxOutputLen?: number | undefined
}

/** Sampling in the spelling of Transformers; the other fields are those of {@link SamplingParams}. */
export interface GenerationOptions extends Omit<SamplingParams, 'maxTokens' | 'minTokens' | 'n'> {
  /** New tokens at most. Default: `maxOutputLen`, else what the context holds. */
  maxNewTokens?: number | undefined
  minNewTokens?: number | undefined
  /** False takes the most likely token each time. */
  doSample?: boolean | undefined
}

/** A model in the spelling of Transformers: token ids in, token ids out. Dispose of it as of an LLM. */
export class AutoModelForCausalLM implements AsyncDisposable {
  /** The model underneath. */
  readonly llm: LLM
  readonly #maxOutputLen: number | undefined

  private constructor(llm: LLM, maxOutputLen: number | undefined) {
    this.llm = llm
    this.#maxOutputLen = maxOutputLen
  }

  /** Loads a model from a folder or by hub id. @throws as `LLM.load`. */
  static async fromPretrained(model: string, options: PretrainedOptions = {}): Promise<AutoModelForCausalLM> {
    const { maxOutputLen, ...rest } = options
    if (maxOutputLen !== undefined && !(Number.isSafeInteger(maxOutputLen) && maxOutputLen > 0))
      throw new TrtllmError(
        'bad_flag',
        `maxOutputLen is ${maxOutputLen}, expected a whole number of at least 1`,
      )
    return new AutoModelForCausalLM(await LLM.load(model, rest), maxOutputLen)
  }

  /** Prompts with their continuations as token ids, one list for each prompt. @throws as `LLM.generate`. */
  async generate(inputs: TokenizedInputs, options: GenerationOptions = {}): Promise<number[][]> {
    const { maxNewTokens, minNewTokens, doSample, ...sampling } = options
    const most = this.#maxOutputLen
    if (most !== undefined && maxNewTokens !== undefined && maxNewTokens > most)
      throw new TrtllmError(
        'out_of_range',
        `maxNewTokens is ${maxNewTokens}, at most maxOutputLen ${most} is allowed`,
        {
          details: { field: 'maxNewTokens', param: 'maxNewTokens' },
        },
      )
    const outputs = await this.llm.generate(inputs.inputIds, {
      ...sampling,
      ...(doSample === false && { temperature: 0 }),
      maxTokens: maxNewTokens ?? most,
      minTokens: minNewTokens,
      detokenize: false,
    })
    return outputs.map(({ promptTokenIds, outputs: [first] }) => [...promptTokenIds, ...first!.tokenIds])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.llm[Symbol.asyncDispose]()
  }
}
