import type { TokenLogprob } from 'trtllm'
import type { ServedModel } from '../served-model.js'

/** JSON has no infinities: a token that could not be sampled gets the lowest value clients know. */
const finite = (logprob: number) => (Number.isFinite(logprob) ? logprob : -9999)

/** The entries of `logprobs.content` of a chat choice. */
export function chatLogprobs(model: ServedModel, tokens: readonly TokenLogprob[]) {
  const entry = (id: number, logprob: number) => ({
    token: model.tokenText(id),
    logprob: finite(logprob),
    bytes: [...model.tokenBytes(id)],
  })
  return tokens.map((token) => ({
    ...entry(token.id, token.logprob),
    top_logprobs: token.top.map((other) => entry(other.id, other.logprob)),
  }))
}

/** The `logprobs` object of a text completion, whose tokens begin at `offset` characters of the choice's text. */
export function completionLogprobs(model: ServedModel, tokens: readonly TokenLogprob[], offset: number) {
  const textOffsets: number[] = []
  let at = offset
  for (const token of tokens) {
    textOffsets.push(at)
    at += model.tokenText(token.id).length
  }
  return {
    tokens: tokens.map((token) => model.tokenText(token.id)),
    token_logprobs: tokens.map((token) => finite(token.logprob)),
    top_logprobs: tokens.map((token) =>
      Object.fromEntries(token.top.map((other) => [model.tokenText(other.id), finite(other.logprob)])),
    ),
    text_offset: textOffsets,
  }
}
