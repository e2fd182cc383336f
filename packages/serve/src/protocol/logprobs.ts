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

/** A token of an echoed prompt or of an answer; the first token of a prompt has nothing before it. */
export type ToldToken = TokenLogprob | { readonly id: number; readonly logprob: null }

/** A prompt's tokens as told, of which the engine scored all but the first; the `count` best candidates of each. */
export function promptTokens(
  ids: readonly number[],
  scored: readonly TokenLogprob[],
  count: number,
): ToldToken[] {
  const rest = scored.map((token) => ({ ...token, top: token.top.slice(0, count) }))
  return [{ id: ids[0]!, logprob: null }, ...rest]
}

/** The `logprobs` object of a text completion, whose tokens begin at `offset` characters of the choice's text. */
export function completionLogprobs(model: ServedModel, tokens: readonly ToldToken[], offset: number) {
  const textOffsets: number[] = []
  let at = offset
  for (const token of tokens) {
    // Special tokens before an echoed prompt are not in its text.
    textOffsets.push(Math.max(0, at))
    at += model.tokenText(token.id).length
  }
  return {
    tokens: tokens.map((token) => model.tokenText(token.id)),
    token_logprobs: tokens.map(({ logprob }) => (logprob === null ? null : finite(logprob))),
    top_logprobs: tokens.map((token) =>
      token.logprob === null
        ? null
        : Object.fromEntries(token.top.map((other) => [model.tokenText(other.id), finite(other.logprob)])),
    ),
    text_offset: textOffsets,
  }
}

/** vLLM's `prompt_logprobs`: null for the first token, then for each an object by token id, the chosen one among them. */
export function promptLogprobsBody(model: ServedModel, scored: readonly TokenLogprob[], count: number) {
  const entry = (id: number, logprob: number, rank: number) => [
    String(id),
    { logprob: finite(logprob), rank, decoded_token: model.tokenText(id) },
  ]
  const told = scored.map(({ id, logprob, rank, top }) =>
    Object.fromEntries([
      entry(id, logprob, rank),
      ...top.slice(0, count).map((other, at) => entry(other.id, other.logprob, at + 1)),
    ]),
  )
  return [null, ...told]
}
