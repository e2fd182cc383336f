import type { CallUsage } from '../stream/run-generations.js'

/** OpenAI's usage object. */
export function usageBody(usage: CallUsage) {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  }
}
