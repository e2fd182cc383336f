import type { Answer, EngineRequest, Finish, Output, TokenLogprobs } from './request.js'
import type { TurnOutputs } from './turn-outputs.js'

/** What a step tells of the prompt. */
export type PromptPart = Pick<Output, 'contextLogits' | 'promptLogprobs' | 'cachedTokens'>

interface Draft {
  tokens: number[]
  logprobs: TokenLogprobs[]
  generationLogits: Float32Array[]
  promptParts: PromptPart[]
  answers?: readonly Answer[]
  awaits?: Float32Array
  finish?: Finish
}

/** Collects what one turn of the engine brings for each request, so that a turn sends one message. */
export class Outbox {
  #requests: EngineRequest[] = []
  #tokens: number[] = []
  #drafts = new Map<EngineRequest, Draft>()

  get isEmpty(): boolean {
    return this.#requests.length === 0 && this.#drafts.size === 0
  }

  token(request: EngineRequest, token: number, logprobs?: TokenLogprobs, logits?: Float32Array): void {
    if (logprobs === undefined && logits === undefined && !this.#drafts.has(request)) {
      this.#requests.push(request)
      this.#tokens.push(token)
      return
    }
    const draft = this.#draft(request)
    draft.tokens.push(token)
    if (logprobs) draft.logprobs.push(logprobs)
    if (logits) draft.generationLogits.push(logits)
  }

  prompt(request: EngineRequest, part: PromptPart): void {
    this.#draft(request).promptParts.push(part)
  }

  answers(request: EngineRequest, answers: readonly Answer[]): void {
    this.#draft(request).answers = answers
  }

  /** Asks for the next token, to be chosen by these logits. */
  awaits(request: EngineRequest, logits: Float32Array): void {
    this.#draft(request).awaits = logits
  }

  /** Ends a request. The token that ended it is told with the end: whether it is text depends on why. */
  finish(request: EngineRequest, finish: Finish): void {
    const draft = this.#draft(request)
    draft.finish = finish
    if (this.#requests.at(-1) !== request) return
    this.#requests.pop()
    draft.tokens.push(this.#tokens.pop()!)
  }

  /** Everything collected; starts anew. An output tells of one stretch of the prompt at most. */
  take(): TurnOutputs {
    const whole: Output[] = []
    for (const [request, draft] of this.#drafts) {
      const last = draft.promptParts.pop()
      for (const part of draft.promptParts) whole.push({ id: request.id, tokens: new Int32Array(0), ...part })
      whole.push({
        id: request.id,
        tokens: Int32Array.from(draft.tokens),
        ...(request.logprobs !== undefined && { logprobs: draft.logprobs }),
        ...(request.returnGenerationLogits && { generationLogits: draft.generationLogits }),
        ...last,
        ...(draft.awaits && { awaits: draft.awaits }),
        ...(draft.answers && { answers: draft.answers }),
        ...(draft.finish && { finish: draft.finish }),
      })
    }
    const turn = { requests: this.#requests, tokens: this.#tokens, whole }
    this.#requests = []
    this.#tokens = []
    if (this.#drafts.size > 0) this.#drafts = new Map()
    return turn
  }

  #draft(request: EngineRequest): Draft {
    let draft = this.#drafts.get(request)
    if (!draft) {
      draft = { tokens: [], logprobs: [], generationLogits: [], promptParts: [] }
      this.#drafts.set(request, draft)
    }
    return draft
  }
}
