import type { ContextLogits, EngineRequest, Finish, Output, TokenLogprobs } from './request.js'

interface Draft {
  tokens: number[]
  logprobs: TokenLogprobs[]
  contextLogits: ContextLogits[]
  finish?: Finish
}

/** Collects what one turn of the engine brings for each request, so that a turn sends one message. */
export class Outbox {
  #drafts = new Map<EngineRequest, Draft>()

  get isEmpty(): boolean {
    return this.#drafts.size === 0
  }

  token(request: EngineRequest, token: number, logprobs?: TokenLogprobs): void {
    const draft = this.#draft(request)
    draft.tokens.push(token)
    if (logprobs) draft.logprobs.push(logprobs)
  }

  contextLogits(request: EngineRequest, logits: ContextLogits): void {
    this.#draft(request).contextLogits.push(logits)
  }

  finish(request: EngineRequest, finish: Finish): void {
    this.#draft(request).finish = finish
  }

  /** Everything collected, as outputs; starts anew. An output carries one block of context logits at most. */
  take(): Output[] {
    const outputs: Output[] = []
    for (const [request, draft] of this.#drafts) {
      const early = draft.contextLogits.slice(0, -1)
      for (const contextLogits of early)
        outputs.push({ id: request.id, tokens: new Int32Array(0), contextLogits })
      const contextLogits = draft.contextLogits.at(-1)
      outputs.push({
        id: request.id,
        tokens: Int32Array.from(draft.tokens),
        ...(request.logprobs !== undefined && { logprobs: draft.logprobs }),
        ...(contextLogits && { contextLogits }),
        ...(draft.finish && { finish: draft.finish }),
      })
    }
    this.#drafts = new Map()
    return outputs
  }

  #draft(request: EngineRequest): Draft {
    const draft = this.#drafts.get(request) ?? { tokens: [], logprobs: [], contextLogits: [] }
    this.#drafts.set(request, draft)
    return draft
  }
}
