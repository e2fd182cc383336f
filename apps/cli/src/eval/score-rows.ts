import type { LLM } from 'trtllm'

/** Takes the logits of one position: they score the token that follows it. The row is only lent. */
export type TakeRow = (position: number, row: Float32Array) => void

/**
 * Computes the logits after each of `ids`, in one request. They are handed on in chunks as the engine makes them, so
 * that a long text with a large vocabulary never lies in memory as a whole.
 */
export async function scoreRows(
  llm: LLM,
  ids: readonly number[],
  take: TakeRow,
  signal?: AbortSignal,
): Promise<void> {
  const params = { maxTokens: 1, temperature: 0, detokenize: false, returnContextLogits: true }
  for await (const { contextLogits } of llm.generateStream({ promptTokenIds: ids }, params, { signal })) {
    if (!contextLogits) continue
    const { firstPosition, rows, vocab, values } = contextLogits
    for (let row = 0; row < rows; row++)
      take(firstPosition + row, values.subarray(row * vocab, (row + 1) * vocab))
  }
}
