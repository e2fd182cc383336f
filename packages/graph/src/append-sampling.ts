import { ops } from '@trtllm/kernels'
import type { Recorder } from './recorder.js'
import type { ResultSections } from './step-layout.js'
import type { Value } from './value.js'

/**
 * Ends a plan: logits f32[rows, vocabulary] become one id a row, written to the slot's tokens and to the results with
 * its log probability and the best candidates.
 */
export function appendSampling(recorder: Recorder, logits: Value): Map<keyof ResultSections, Value> {
  const { rowSlot, rowPosition, rowSample, rowTarget, slotTokens, sampling, lists } = recorder.step
  const { processed } = recorder.call(
    'sampling.penalize',
    ops.penalize,
    { logits, rowSlot, rowPosition, rowSample, slotTokens, sampling, lists },
    {},
  )
  const { token } = recorder.call(
    'sampling.sample',
    ops.sample,
    { logits, processed, rowSlot, rowPosition, rowSample, sampling, slotTokens },
    {},
  )
  const { chosen, rank, topIds, topLogprobs } = recorder.call(
    'sampling.logprobs',
    ops.logprobs,
    { logits, processed, token, rowSlot, rowSample, rowTarget, sampling },
    {},
  )
  return new Map([
    ['token', token],
    ['logprob', chosen],
    ['rank', rank],
    ['topIds', topIds],
    ['topLogprobs', topLogprobs],
  ])
}
