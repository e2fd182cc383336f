import type { GenerationDelta, TokenLogprob, ToolCallEvent } from 'trtllm'
import type { CallUsage } from '../stream/run-generations.js'
import type { AnswerHead, ChunkFormat } from './answer-format.js'
import { ChatOutput, type ChatOutputOptions, toolCallId } from './chat-output.js'
import { chatLogprobs } from './logprobs.js'
import { TextChunk } from './text-chunk.js'
import { usageBody } from './usage.js'

interface ChoiceState {
  output: ChatOutput
  started: boolean
  /** Log-probabilities of tokens whose text is still held back. */
  logprobs: TokenLogprob[]
  plain: TextChunk
}

/** chat.completion.chunk objects: role first, then pieces, then the finish reason, per choice. */
export class ChatChunks implements ChunkFormat {
  readonly #head: AnswerHead
  readonly #options: ChatOutputOptions
  readonly #choices: ChoiceState[]

  constructor(head: AnswerHead, options: ChatOutputOptions) {
    this.#head = head
    this.#options = options
    this.#choices = Array.from({ length: options.choices }, (_, choice) => ({
      output: new ChatOutput(options),
      started: false,
      logprobs: [],
      plain: new TextChunk((content) => this.#chunk(choice, { content })),
    }))
  }

  push(choice: number, delta: GenerationDelta, usage?: object | null): string[] {
    const state = this.#choices[choice]!
    if (state.started && !delta.finish && !this.#options.tools && !this.#options.logprobs)
      return delta.text === '' ? [] : [state.plain.json(delta.text, usage)]
    const chunks = this.#chunks(choice, state, delta)
    return chunks.map((chunk) => JSON.stringify(usage === undefined ? chunk : { ...chunk, usage }))
  }

  #chunks(choice: number, state: ChoiceState, delta: GenerationDelta): object[] {
    const chunks: object[] = []
    if (!state.started) {
      state.started = true
      chunks.push(this.#chunk(choice, { role: 'assistant', content: '' }))
    }
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    for (const event of state.output.read(delta)) chunks.push(this.#chunk(choice, deltaOf(event), state))
    if (delta.finish) {
      const { reason, stopReason } = delta.finish
      const finish = {
        finish_reason: state.output.finishReason({ ...delta.finish, reason }),
        stop_reason: stopReason,
      }
      chunks.push(this.#chunk(choice, {}, state, finish))
    }
    return chunks
  }

  usageChunk(usage: CallUsage): Record<string, unknown> {
    return { ...this.#base(), choices: [], usage: usageBody(usage) }
  }

  #base() {
    return {
      id: this.#head.id,
      object: 'chat.completion.chunk',
      created: this.#head.created,
      model: this.#head.model,
    }
  }

  #chunk(index: number, delta: object, state?: ChoiceState, finish: object = { finish_reason: null }) {
    const tokens = state?.logprobs.splice(0) ?? []
    const logprobs =
      this.#options.logprobs && tokens.length > 0
        ? { content: chatLogprobs(this.#options.model, tokens), refusal: null }
        : null
    return { ...this.#base(), choices: [{ index, delta, logprobs, ...finish }] }
  }
}

function deltaOf(event: ToolCallEvent): object {
  if (event.type === 'text') return { content: event.text }
  if (event.type === 'arguments')
    return { tool_calls: [{ index: event.index, function: { arguments: event.text } }] }
  const call = { id: toolCallId(), type: 'function', function: { name: event.name, arguments: '' } }
  return { tool_calls: [{ index: event.index, ...call }] }
}
