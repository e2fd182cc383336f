import type { GenerationDelta, TokenLogprob } from 'trtllm'
import type { ServedModel } from '../served-model.js'
import type { CallUsage } from '../stream/run-generations.js'
import type { AnswerHead, BodyFormat, ChunkFormat } from './answer-format.js'
import { completionLogprobs } from './logprobs.js'
import { usageBody } from './usage.js'

/** What a text completion needs to know of its request. `echoes` holds the prompt text of each choice, or ''. */
export interface CompletionOutputOptions {
  model: ServedModel
  echoes: string[]
  logprobs: boolean
}

function head({ id, created, model }: AnswerHead) {
  return { id, object: 'text_completion', created, model }
}

/** text_completion objects of a stream. */
export class CompletionChunks implements ChunkFormat {
  readonly #head: AnswerHead
  readonly #options: CompletionOutputOptions
  readonly #choices: { echo: string; offset: number; logprobs: TokenLogprob[] }[]

  constructor(answer: AnswerHead, options: CompletionOutputOptions) {
    this.#head = answer
    this.#options = options
    this.#choices = options.echoes.map((echo) => ({ echo, offset: echo.length, logprobs: [] }))
  }

  push(choice: number, delta: GenerationDelta): Record<string, unknown>[] {
    const state = this.#choices[choice]!
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    const text = state.echo + delta.text
    state.echo = ''
    if (text === '' && !delta.finish) return []
    const tokens = state.logprobs.splice(0)
    const logprobs =
      this.#options.logprobs && tokens.length > 0
        ? completionLogprobs(this.#options.model, tokens, state.offset)
        : null
    for (const token of tokens) state.offset += this.#options.model.tokenText(token.id).length
    const finish = {
      finish_reason: delta.finish?.reason ?? null,
      stop_reason: delta.finish?.stopReason ?? null,
    }
    return [{ ...head(this.#head), choices: [{ index: choice, text, logprobs, ...finish }] }]
  }

  usageChunk(usage: CallUsage): Record<string, unknown> {
    return { ...head(this.#head), choices: [], usage: usageBody(usage) }
  }
}

/** One text_completion object. */
export class CompletionBodyFormat implements BodyFormat {
  readonly #head: AnswerHead
  readonly #options: CompletionOutputOptions
  readonly #choices: { text: string; logprobs: TokenLogprob[]; finish: GenerationDelta['finish'] }[]

  constructor(answer: AnswerHead, options: CompletionOutputOptions) {
    this.#head = answer
    this.#options = options
    this.#choices = options.echoes.map((text) => ({ text, logprobs: [], finish: undefined }))
  }

  push(choice: number, delta: GenerationDelta): void {
    const state = this.#choices[choice]!
    state.text += delta.text
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    if (delta.finish) state.finish = delta.finish
  }

  body(usage: CallUsage): Record<string, unknown> {
    const { model, logprobs, echoes } = this.#options
    return {
      ...head(this.#head),
      choices: this.#choices.map((state, index) => ({
        index,
        text: state.text,
        logprobs: logprobs ? completionLogprobs(model, state.logprobs, echoes[index]!.length) : null,
        finish_reason: state.finish?.reason ?? null,
        stop_reason: state.finish?.stopReason ?? null,
      })),
      usage: usageBody(usage),
    }
  }
}
