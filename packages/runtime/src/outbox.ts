import type { EngineRequest, Finish, Output, TokenLogprobs } from './request.js'

/** What a step tells of the prompt. */
export type PromptPart = Pick<Output, 'contextLogits' | 'promptLogprobs' | 'cachedTokens'>

interface Draft {
  tokens: number[]
  logprobs: TokenLogprobs[]
  generationLogits: Float32Array[]
  promptParts: PromptPart[]
  finish?: Finish
}

/** Collects what one turn of the engine brings for each request, so that a turn sends one message. */
export class Outbox {
  #drafts = new Map<EngineRequest, Draft>()

  get isEmpty(): boolean {
    return this.#drafts.size === 0
  }

  token(request: EngineRequest, token: number, logprobs?: TokenLogprobs, logits?: Float32Array): void {
    const draft = this.#draft(request)
    draft.tokens.push(token)
    if (logprobs) draft.logprobs.push(logprobs)
    if (logits) draft.generationLogits.push(logits)
  }

  prompt(request: EngineRequest, part: PromptPart): void {
    this.#draft(request).promptParts.push(part)
  }

  finish(request: EngineRequest, finish: Finish): void {
    this.#draft(request).finish = finish
  }

  /** Everything collected, as outputs; starts anew. An output tells of one stretch of the prompt at most. */
  take(): Output[] {
    const outputs: Output[] = []
    for (const [request, draft] of this.#drafts) {
      const last = draft.promptParts.pop()
      for (const part of draft.promptParts)
        outputs.push({ id: request.id, tokens: new Int32Array(0), ...part })
      outputs.push({
        id: request.id,
        tokens: Int32Array.from(draft.tokens),
        ...(request.logprobs !== undefined && { logprobs: draft.logprobs }),
        ...(request.returnGenerationLogits && { generationLogits: draft.generationLogits }),
        ...last,
        ...(draft.finish && { finish: draft.finish }),
      })
    }
    this.#drafts = new Map()
    return outputs
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
