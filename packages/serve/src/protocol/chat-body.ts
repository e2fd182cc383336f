import type { GenerationDelta, TokenLogprob } from 'trtllm'
import type { CallUsage } from '../stream/run-generations.js'
import type { AnswerHead, BodyFormat } from './answer-format.js'
import { ChatOutput, type ChatOutputOptions, toolCallId } from './chat-output.js'
import { chatLogprobs, promptLogprobsBody } from './logprobs.js'
import { usageBody } from './usage.js'

interface ToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

interface ChoiceState {
  output: ChatOutput
  content: string
  calls: ToolCall[]
  logprobs: TokenLogprob[]
  finishReason: string | null
  stopReason: string | number | null
}

/** One chat.completion object. */
export class ChatBody implements BodyFormat {
  readonly #head: AnswerHead
  readonly #options: ChatOutputOptions
  readonly #choices: ChoiceState[]
  readonly #prompt: TokenLogprob[] = []

  constructor(head: AnswerHead, options: ChatOutputOptions) {
    this.#head = head
    this.#options = options
    this.#choices = Array.from({ length: options.choices }, () => ({
      output: new ChatOutput(options),
      content: '',
      calls: [],
      logprobs: [],
      finishReason: null,
      stopReason: null,
    }))
  }

  push(choice: number, delta: GenerationDelta): void {
    const state = this.#choices[choice]!
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    if (delta.promptLogprobs) this.#prompt.push(...delta.promptLogprobs.tokens)
    for (const event of state.output.read(delta)) {
      if (event.type === 'text') state.content += event.text
      else if (event.type === 'arguments') state.calls[event.index]!.function.arguments += event.text
      else
        state.calls[event.index] = {
          id: toolCallId(),
          type: 'function',
          function: { name: event.name, arguments: '' },
        }
    }
    if (!delta.finish) return
    state.finishReason = state.output.finishReason(delta.finish)
    state.stopReason = delta.finish.stopReason
  }

  body(usage: CallUsage): Record<string, unknown> {
    const { model, logprobs, promptLogprobs: numTop } = this.#options
    return {
      id: this.#head.id,
      object: 'chat.completion',
      created: this.#head.created,
      model: this.#head.model,
      choices: this.#choices.map((state, index) => ({
        index,
        message: {
          role: 'assistant',
          // Whitespace around calls is layout of the format, not an answer.
          content: state.calls.length > 0 && state.content.trim() === '' ? null : state.content,
          refusal: null,
          ...(state.calls.length > 0 ? { tool_calls: state.calls } : {}),
        },
        logprobs: logprobs ? { content: chatLogprobs(model, state.logprobs), refusal: null } : null,
        finish_reason: state.finishReason,
        stop_reason: state.stopReason,
      })),
      ...(numTop !== undefined && { prompt_logprobs: promptLogprobsBody(model, this.#prompt, numTop) }),
      usage: usageBody(usage),
    }
  }
}
