import { randomUUID } from 'node:crypto'
import type { GenerationDelta, ToolCallEvent, ToolCallParser } from 'trtllm'
import type { ServedModel } from '../served-model.js'

/** What a chat answer needs to know of its request. */
export interface ChatOutputOptions {
  model: ServedModel
  choices: number
  logprobs: boolean
  /** Candidates to tell of each prompt token; undefined: nothing of them. */
  promptLogprobs: number | undefined
  /** Read tool calls out of the text. */
  tools: boolean
}

/** Reads one choice's text as prose and tool calls, and remembers whether there was a call. */
export class ChatOutput {
  readonly #parser: ToolCallParser | undefined
  called = false

  constructor(options: ChatOutputOptions) {
    this.#parser = options.tools ? options.model.createToolCallParser() : undefined
  }

  read(delta: GenerationDelta): ToolCallEvent[] {
    if (!this.#parser) return delta.text === '' ? [] : [{ type: 'text', text: delta.text }]
    const events = this.#parser.push(delta.text)
    if (delta.finish) events.push(...this.#parser.flush())
    this.called ||= events.some((event) => event.type === 'call')
    return events
  }

  finishReason(finish: NonNullable<GenerationDelta['finish']>): string {
    return this.called && finish.reason === 'stop' ? 'tool_calls' : finish.reason
  }
}

/** An id for a tool call, unique for ever. */
export const toolCallId = () => `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
