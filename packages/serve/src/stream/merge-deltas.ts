import type { GenerationDelta } from 'trtllm'

/** Two deltas of one choice, one after the other, as one: what a reader gets who was behind. */
export function mergeDeltas(first: GenerationDelta, second: GenerationDelta): GenerationDelta {
  const logprobs = first.logprobs || second.logprobs ? joined(first.logprobs, second.logprobs) : undefined
  const prompt = first.promptLogprobs &&
    second.promptLogprobs && {
      ...first.promptLogprobs,
      tokens: joined(first.promptLogprobs.tokens, second.promptLogprobs.tokens),
    }
  const tokenIds = first.tokenIds
  for (const id of second.tokenIds) tokenIds.push(id)
  return {
    ...first,
    ...second,
    text: first.text + second.text,
    tokenIds,
    ...(logprobs && { logprobs }),
    ...(prompt && { promptLogprobs: prompt }),
  }
}

function joined<T>(first: T[] | undefined, second: T[] | undefined): T[] {
  const all = first ?? []
  for (const one of second ?? []) all.push(one)
  return all
}
