import type { GenerationDelta, TokenLogprob } from 'trtllm'
import type { ServedModel } from '../served-model.js'
import type { CallUsage } from '../stream/run-generations.js'
import type { AnswerHead, BodyFormat, ChunkFormat } from './answer-format.js'
import { completionLogprobs } from './logprobs.js'
import { TextChunk } from './text-chunk.js'
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
  readonly #choices: { echo: string; offset: number; logprobs: TokenLogprob[]; plain: TextChunk }[]

  constructor(answer: AnswerHead, options: CompletionOutputOptions) {
    this.#head = answer
    this.#options = options
    this.#choices = options.echoes.map((echo, choice) => {
      const plain = new TextChunk((text) => this.#chunk(choice, text, null))
      return { echo, offset: echo.length, logprobs: [], plain }
    })
  }

  push(choice: number, delta: GenerationDelta, usage?: object | null): string[] {
    const state = this.#choices[choice]!
    if (!delta.finish && !this.#options.logprobs && state.echo === '')
      return delta.text === '' ? [] : [state.plain.json(delta.text, usage)]
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
    const chunk = this.#chunk(choice, text, logprobs, delta.finish)
    return [JSON.stringify(usage === undefined ? chunk : { ...chunk, usage })]
  }

  #chunk(index: number, text: string, logprobs: object | null, finish?: GenerationDelta['finish']) {
    const ended = { finish_reason: finish?.reason ?? null, stop_reason: finish?.stopReason ?? null }
    return { ...head(this.#head), choices: [{ index, text, logprobs, ...ended }] }
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
