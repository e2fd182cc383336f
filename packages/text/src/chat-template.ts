import { TrtllmError } from '@trtllm/kernels'
import { badTokenizer } from './bad-tokenizer.js'
import { type ArgumentForm, type ChatMessage, templateMessages } from './chat-message.js'
import { CompiledTemplate } from './compiled-template.js'
import type { NamedTokens } from './special-tokens.js'
import { strftime } from './strftime.js'

/** What a chat template is rendered with; other members reach the template as variables. */
export interface RenderOptions {
  /** Functions the model may call, as OpenAI writes them. */
  tools?: readonly unknown[] | undefined
  /** Whether the text ends where the model is to answer. Default false. */
  addGenerationPrompt?: boolean | undefined
  /** Further variables, for instance `enable_thinking`. */
  [variable: string]: unknown
}

/** Source of a template: its name (`default`, `tool_use`), its text, and where that stands, for messages. */
export interface TemplateSource {
  readonly name: string
  readonly text: string
  readonly origin: string
}

interface ChatTemplate {
  readonly template: CompiledTemplate
  readonly origin: string
  readonly argumentForm: ArgumentForm
}

/** The chat templates of a tokenizer, compiled once. */
export class ChatTemplates {
  readonly #templates: ReadonlyMap<string, ChatTemplate>
  readonly #tokens: NamedTokens
  readonly #now: () => Date

  /** @throws TrtllmError bad_tokenizer with the place of a template that does not parse. */
  constructor(sources: readonly TemplateSource[], tokens: NamedTokens, now: () => Date = () => new Date()) {
    this.#templates = new Map(sources.map((source) => [source.name, compile(source)]))
    this.#tokens = tokens
    this.#now = now
  }

  get isEmpty(): boolean {
    return this.#templates.size === 0
  }

  /**
   * The text of a conversation. A template named `tool_use` is used when there are tools.
   * @throws TrtllmError unsupported without a template, invalid_request with the template's own words when it refuses.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { tools, addGenerationPrompt = false, ...variables } = options
    const { template, origin, argumentForm } = this.#choose((tools?.length ?? 0) > 0)
    try {
      return template.render({
        ...this.#tokens,
        ...variables,
        messages: templateMessages(messages, argumentForm),
        tools: tools && tools.length > 0 ? tools : null,
        add_generation_prompt: addGenerationPrompt,
        raise_exception: (message: unknown) => {
          throw new TrtllmError('invalid_request', String(message), { details: { param: 'messages' } })
        },
        strftime_now: (format: string) => strftime(this.#now(), format),
      })
    } catch (error) {
      if (error instanceof TrtllmError) throw error
      throw new TrtllmError('unsupported', `${origin}: ${(error as Error).message}`, { cause: error })
    }
  }

  #choose(withTools: boolean): ChatTemplate {
    const found = (withTools && this.#templates.get('tool_use')) || this.#templates.get('default')
    if (found) return found
    const names = [...this.#templates.keys()]
    const has = names.length > 0 ? `only templates named ${names.join(', ')}` : 'no chat template'
    throw new TrtllmError(
      'unsupported',
      `this tokenizer has ${has}; give prompts as text or token ids, or load it with the option chatTemplate`,
    )
  }
}

function compile({ text, origin }: TemplateSource): ChatTemplate {
  // Templates that print or walk arguments want an object; those that only join them to text want text.
  const readsObjects = /\barguments\b['"\]]*\s*(\||\.items\b|is\s+(not\s+)?(string|mapping))/.test(text)
  try {
    return { template: new CompiledTemplate(text), origin, argumentForm: readsObjects ? 'object' : 'text' }
  } catch (error) {
    throw badTokenizer(`${origin}: the chat template does not parse: ${(error as Error).message}`, error)
  }
}
