import type { EventEmitter } from 'node:events'
import { ApiError } from './errors/api-error.js'
import type {
  GenerationDelta,
  GenerationRequest,
  IterationStats,
  RenderOptions,
  Sampling,
  ServedModel,
  ServedModelEvents,
  ServedModelInfo,
  TemplateMessage,
  ToolCallParser,
} from './served-model.js'

/** The part of a `trtllm` tokenizer that a server uses. */
export interface ServingTokenizer {
  readonly hasChatTemplate: boolean
  render(messages: TemplateMessage[], options: Record<string, unknown>): string
  encodeAsync(text: string, options: { addSpecialTokens: boolean }): Promise<number[]>
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string
  tokenText(id: number): string
  tokenBytes(id: number): Uint8Array
}

/** The part of `trtllm`'s LLM that a server uses. */
export interface ServingLlm extends AsyncDisposable {
  readonly info: Omit<ServedModelInfo, 'device' | 'hasChatTemplate'> & {
    device: { kind: string; name: string }
  }
  readonly tokenizer: ServingTokenizer
  readonly state: ServedModel['state']
  readonly events: EventEmitter<ServedModelEvents>
  generateStream(
    prompt: readonly number[],
    sampling: Omit<Sampling, 'seed'> & { seed?: number | bigint },
    options: { requestId: string; signal: AbortSignal; deadlineMs?: number },
  ): AsyncIterable<GenerationDelta>
  getStats(): Promise<{ iterations: readonly object[] }>
  createToolCallParser(): ToolCallParser
}

/** Serves an LLM of the `trtllm` package under `name`. Closing it disposes the LLM. */
export class LlmServedModel implements ServedModel {
  readonly info: ServedModelInfo
  readonly #llm: ServingLlm

  constructor(llm: ServingLlm, name: string) {
    this.#llm = llm
    const { info, tokenizer } = llm
    this.info = { ...info, name, device: info.device.name, hasChatTemplate: tokenizer.hasChatTemplate }
  }

  get state(): ServedModel['state'] {
    return this.#llm.state
  }

  get events(): EventEmitter<ServedModelEvents> {
    return this.#llm.events
  }

  async render(messages: TemplateMessage[], options: RenderOptions): Promise<string> {
    if (!this.info.hasChatTemplate)
      throw new ApiError(
        'unsupported',
        'This model has no chat template; use /v1/completions, or start the server with --chat-template.',
        { param: 'messages' },
      )
    const { chatTemplateKwargs, ...rest } = options
    try {
      return this.#llm.tokenizer.render(messages, { ...chatTemplateKwargs, ...rest })
    } catch (error) {
      // Templates refuse conversations by raising: wrong order of roles, a missing field.
      const reason = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'unknown'
      throw new ApiError('invalid_request', `The chat template refused the messages: ${reason}`, {
        param: 'messages',
        cause: error,
      })
    }
  }

  encode(text: string, options: { addSpecialTokens: boolean }): Promise<number[]> {
    return this.#llm.tokenizer.encodeAsync(text, options)
  }

  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string {
    return this.#llm.tokenizer.decode(ids, options)
  }

  tokenText(id: number): string {
    return this.#llm.tokenizer.tokenText(id)
  }

  tokenBytes(id: number): Uint8Array {
    return this.#llm.tokenizer.tokenBytes(id)
  }

  createToolCallParser(): ToolCallParser {
    return this.#llm.createToolCallParser()
  }

  stream({ id, promptIds, sampling, deadlineMs }: GenerationRequest, signal: AbortSignal) {
    const { seed, ...rest } = sampling
    // OpenAI's seeds are signed 64-bit integers, the engine's unsigned ones.
    const unsigned = seed === undefined ? {} : { seed: BigInt.asUintN(64, BigInt(seed)) }
    const options = { requestId: id, signal, ...(deadlineMs === undefined ? {} : { deadlineMs }) }
    return this.#llm.generateStream(promptIds, { ...rest, ...unsigned }, options)
  }

  async drainIterationStats(): Promise<IterationStats[]> {
    const { iterations } = await this.#llm.getStats()
    return iterations as IterationStats[]
  }

  async close(): Promise<void> {
    await this.#llm[Symbol.asyncDispose]()
  }
}
