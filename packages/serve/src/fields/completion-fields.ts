import { z } from 'zod'
import type { Limits } from '../limits.js'
import { booleanField, field, integerField } from './field.js'
import { samplingFields } from './sampling-fields.js'

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

/** The registry of /v1/completions fields. */
export function completionFields(limits: Limits) {
  return z.object({
    ...samplingFields(limits),
    prompt: field(
      z.union([
        z.string(),
        tokenId.array().min(1),
        z.string().array().min(1).max(limits.choices),
        tokenId.array().min(1).array().min(1).max(limits.choices),
      ]),
      `a string, a list of token ids, or a list of at most ${limits.choices} of either; none empty`,
    ),
    logprobs: integerField(0, limits.topLogprobs),
    echo: booleanField(),
  })
}

/** A validated body of /v1/completions. */
export type CompletionBody = z.infer<ReturnType<typeof completionFields>>
