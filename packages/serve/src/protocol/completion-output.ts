import type { GenerationDelta, TokenLogprob } from 'trtllm'
import type { ServedModel } from '../served-model.js'
import type { CallUsage } from '../stream/run-generations.js'
import type { AnswerHead, BodyFormat, ChunkFormat } from './answer-format.js'
import { completionLogprobs, promptLogprobsBody, promptTokens, type ToldToken } from './logprobs.js'
import { TextChunk } from './text-chunk.js'
import { usageBody } from './usage.js'

/** What a text completion needs to know of its request. `echoes` holds the prompt text of each choice, or ''. */
export interface CompletionOutputOptions {
  model: ServedModel
  echoes: string[]
  /** Candidates to tell of each token; undefined: nothing of them. */
  logprobs: number | undefined
  /** Whether the tokens of an echoed prompt are told with those of the answer. */
  echoesLogprobs: boolean
  /** Candidates to tell of each prompt token beside the answer. */
  promptLogprobs: number | undefined
  /** Of each choice. */
  promptIds: readonly (readonly number[])[]
  /** Choices of a prompt, the first of which brings what is told of the prompt. */
  choicesOfPrompt: number
}

function head({ id, created, model }: AnswerHead) {
  return { id, object: 'text_completion', created, model }
}

/** text_completion objects of a stream. */
export class CompletionChunks implements ChunkFormat {
  readonly #head: AnswerHead
  readonly #options: CompletionOutputOptions
  readonly #choices: { echo: string; offset: number; logprobs: ToldToken[]; plain: TextChunk }[]

  constructor(answer: AnswerHead, options: CompletionOutputOptions) {
    this.#head = answer
    this.#options = options
    this.#choices = options.echoes.map((echo, choice) => {
      const plain = new TextChunk((text) => this.#chunk(choice, text, null))
      return { echo, offset: offsetOf(options, choice), logprobs: [], plain }
    })
  }

  push(choice: number, delta: GenerationDelta, usage?: object | null): string[] {
    const state = this.#choices[choice]!
    const { logprobs: numTop, echoesLogprobs, promptIds } = this.#options
    if (!delta.finish && numTop === undefined && state.echo === '')
      return delta.text === '' ? [] : [state.plain.json(delta.text, usage)]
    if (echoesLogprobs && delta.promptLogprobs) {
      const told = promptTokens(promptIds[choice]!, delta.promptLogprobs.tokens, numTop!)
      state.logprobs.push(...(state.logprobs.length === 0 ? told : told.slice(1)))
    }
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    // The prompt is told whole: the first token of the answer comes after all of it.
    if (echoesLogprobs && state.echo !== '' && delta.tokenIds.length === 0 && !delta.finish) return []
    const text = state.echo + delta.text
    state.echo = ''
    if (text === '' && !delta.finish) return []
    const tokens = state.logprobs.splice(0)
    const logprobs =
      numTop !== undefined && tokens.length > 0
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
  readonly #choices: {
    text: string
    logprobs: TokenLogprob[]
    prompt: TokenLogprob[]
    finish: GenerationDelta['finish']
  }[]

  constructor(answer: AnswerHead, options: CompletionOutputOptions) {
    this.#head = answer
    this.#options = options
    this.#choices = options.echoes.map((text) => ({ text, logprobs: [], prompt: [], finish: undefined }))
  }

  push(choice: number, delta: GenerationDelta): void {
    const state = this.#choices[choice]!
    state.text += delta.text
    if (delta.logprobs) state.logprobs.push(...delta.logprobs)
    if (delta.promptLogprobs) state.prompt.push(...delta.promptLogprobs.tokens)
    if (delta.finish) state.finish = delta.finish
  }

  body(usage: CallUsage): Record<string, unknown> {
    const { model, promptLogprobs: numTop } = this.#options
    return {
      ...head(this.#head),
      choices: this.#choices.map((state, index) => ({
        index,
        text: state.text,
        logprobs: this.#logprobs(index),
        finish_reason: state.finish?.reason ?? null,
        stop_reason: state.finish?.stopReason ?? null,
        ...(numTop !== undefined && {
          prompt_logprobs: promptLogprobsBody(model, this.#scored(index), numTop),
        }),
      })),
      usage: usageBody(usage),
    }
  }

  #logprobs(index: number): object | null {
    const { model, logprobs: numTop, echoesLogprobs, promptIds } = this.#options
    if (numTop === undefined) return null
    const echoed = echoesLogprobs ? promptTokens(promptIds[index]!, this.#scored(index), numTop) : []
    const tokens = [...echoed, ...this.#choices[index]!.logprobs]
    return completionLogprobs(model, tokens, offsetOf(this.#options, index))
  }

  /** What the first choice of the same prompt brought of it. */
  #scored(index: number): readonly TokenLogprob[] {
    return this.#choices[index - (index % this.#options.choicesOfPrompt)]!.prompt
  }
}

/** Where the first told token begins in a choice's text; below 0 for special tokens that stand before an echo. */
function offsetOf(
  { model, echoes, echoesLogprobs, promptIds }: CompletionOutputOptions,
  choice: number,
): number {
  const end = echoes[choice]!.length
  if (!echoesLogprobs) return end
  return promptIds[choice]!.reduce((at, id) => at - model.tokenText(id).length, end)
}
