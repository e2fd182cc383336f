import type { EventEmitter } from 'node:events'
import type {
  ChatPrompt,
  EngineEvents,
  EngineState,
  EngineStats,
  KvCacheEvent,
  LLM,
  OnDelta,
  ToolCallParser,
} from 'trtllm'
import { ApiError } from './errors/api-error.js'
import type { GenerationRequest, ServedModel, ServedModelInfo } from './served-model.js'

/** Serves an LLM of the `trtllm` package under `name`. Closing it disposes the LLM. */
export class LlmServedModel implements ServedModel {
  readonly info: ServedModelInfo
  readonly #llm: LLM

  constructor(llm: LLM, name: string) {
    this.#llm = llm
    const { vocabSize, maxSeqLen, maxBatchSize, maxNumTokens, device } = llm.info
    this.info = { name, vocabSize, maxSeqLen, maxBatchSize, maxNumTokens, device: device.name }
  }

  get state(): EngineState {
    return this.#llm.state
  }

  get events(): EventEmitter<EngineEvents> {
    return this.#llm.events
  }

  async render({ messages, chatTemplateKwargs, ...rest }: ChatPrompt): Promise<string> {
    const { tokenizer } = this.#llm
    if (!tokenizer.hasChatTemplate)
      throw new ApiError(
        'unsupported',
        'This model has no chat template; use /v1/completions, or start the server with --chat-template.',
        { param: 'messages' },
      )
    try {
      return tokenizer.render(messages, { ...chatTemplateKwargs, ...rest })
    } catch (error) {
      // Templates refuse conversations by raising: wrong order of roles, a missing field.
      const reason = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'unknown'
      throw new ApiError('invalid_request', `The chat template refused the messages: ${reason}`, {
        param: 'messages',
        cause: error,
      })
    }
  }

  leastTokens(text: string): number {
    return this.#llm.tokenizer.leastTokens(text)
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

  kvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return this.#llm.getKvCacheEvents()
  }

  createToolCallParser(): ToolCallParser {
    return this.#llm.createToolCallParser()
  }

  run(request: GenerationRequest, signal: AbortSignal, onDelta: OnDelta): Promise<void> {
    const { id: requestId, promptIds, sampling, deadlineMs, cacheSalt, fairnessKey } = request
    const options = { requestId, signal, deadlineMs, cacheSalt, fairnessKey }
    return this.#llm.streamTo(onDelta, promptIds, sampling, options)
  }

  stats(): Promise<EngineStats> {
    return this.#llm.getStats()
  }

  async close(): Promise<void> {
    await this.#llm[Symbol.asyncDispose]()
  }
}
