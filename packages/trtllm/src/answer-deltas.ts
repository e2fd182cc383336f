import type { Answer, Finish, Output } from '@trtllm/runtime'
import type { OutputProcessor } from './output-processor.js'
import type { GenerationDelta } from './request-output.js'

/**
 * The deltas of what a search tells: of the prompt as it comes, then one for each answer, best first. `processors`: one
 * for each answer asked for; where bans left fewer, the last ones are empty.
 */
export function* answerDeltas(
  { answers, finish, ...early }: Output,
  processors: readonly OutputProcessor[],
): Generator<GenerationDelta, void, undefined> {
  const isWhole = answers !== undefined && finish !== undefined
  const first = processors[0]!.accept({ ...early, ...(!isWhole && finish && { finish }) })
  if (first) yield first
  if (!isWhole) return
  for (const [index, processor] of processors.entries()) {
    const delta = processor.accept(answerOutput(early.id, answers[index], finish))!
    const { logprob, score } = answers[index] ?? {}
    const rank = logprob !== undefined && { cumulativeLogprob: logprob, score: score! }
    yield { ...delta, finish: { ...delta.finish!, ...rank } }
  }
}

/** An answer as an engine's output that brings all of it. */
function answerOutput(id: string, answer: Answer | undefined, { usage }: Finish): Output {
  if (!answer) return { id, tokens: new Int32Array(0), finish: { reason: 'length', usage } }
  const { tokens, logprobs, reason } = answer
  const stopId = reason === 'stop' ? { stopId: tokens.at(-1)! } : {}
  return { id, tokens, ...(logprobs && { logprobs }), finish: { reason, ...stopId, usage } }
}
