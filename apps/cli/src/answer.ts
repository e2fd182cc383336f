import type { FinishReason, GenerateOptions, GenerationUsage, LLM, Prompt, SamplingParams } from 'trtllm'

/** One answer, and when its tokens came. */
export interface Answer {
  readonly text: string
  readonly tokens: readonly number[]
  readonly finishReason: FinishReason
  readonly usage: GenerationUsage
  /** Milliseconds from the request to the first token. */
  readonly ttftMs: number
  /** Of the tokens after the first; null where there are none. */
  readonly decodeTokensPerSecond: number | null
}

/** Continues a prompt and hands the text on as it comes. @throws as `LLM.generateStream`. */
export async function answer(
  llm: LLM,
  prompt: Prompt,
  params: SamplingParams,
  options: GenerateOptions,
  onText: (text: string) => void,
): Promise<Answer> {
  const startMs = performance.now()
  let [firstMs, firstTokens, lastMs] = [0, 0, 0]
  let text = ''
  const tokens: number[] = []
  for await (const delta of llm.generateStream(prompt, params, options)) {
    text += delta.text
    tokens.push(...delta.tokenIds)
    if (delta.tokenIds.length > 0) {
      lastMs = performance.now()
      if (firstMs === 0) [firstMs, firstTokens] = [lastMs, tokens.length]
    }
    if (delta.text !== '') onText(delta.text)
    if (!delta.finish) continue
    const { reason: finishReason, usage } = delta.finish
    const more = tokens.length - firstTokens
    const decodeTokensPerSecond = more > 0 && lastMs > firstMs ? (1000 * more) / (lastMs - firstMs) : null
    return { text, tokens, finishReason, usage, ttftMs: (firstMs || lastMs) - startMs, decodeTokensPerSecond }
  }
  throw new Error('the answer ended without a last delta')
}
