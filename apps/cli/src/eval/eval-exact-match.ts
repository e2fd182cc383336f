import { type LLM, TrtllmError } from 'trtllm'
import { badData } from './data-file.js'
import type { EvalItem } from './eval-items.js'
import { type RunAllOptions, runAll } from './run-all.js'

/** Answers every item greedily, as many at a time as the engine takes; the raw texts in the order of the items. */
export async function answerAll(
  llm: LLM,
  file: string,
  items: readonly EvalItem[],
  run: Omit<RunAllOptions, 'limit'>,
): Promise<string[]> {
  const prompts = items.map((item, index) => promptIds(llm, item, `${file}: item ${index} (${item.id})`))
  // Twice the batch: while one answer is read and counted, the next is already in the engine's queue.
  return await runAll(
    prompts,
    { ...run, limit: 2 * llm.info.maxBatchSize },
    async (promptTokenIds, index, signal) => {
      const { maxNew } = items[index]!
      const params = { maxTokens: maxNew, temperature: 0, skipSpecialTokens: false }
      const { outputs } = await llm.generate({ promptTokenIds }, params, { signal })
      return outputs[0]!.text
    },
  )
}

/** The item as the chat template writes it, as token ids. */
function promptIds(llm: LLM, { messages, tools, maxNew }: EvalItem, where: string): number[] {
  let ids: number[]
  try {
    const text = llm.tokenizer.render(messages, {
      addGenerationPrompt: true,
      ...(tools.length > 0 && { tools }),
    })
    ids = llm.tokenizer.encode(text, { addSpecialTokens: false })
  } catch (error) {
    const isOfItem = error instanceof TrtllmError && error.code === 'invalid_request'
    throw isOfItem ? badData(`${where}: ${error.message}`) : error
  }
  const { maxSeqLen } = llm.info
  if (ids.length + maxNew <= maxSeqLen) return ids
  throw badData(
    `${where}: expected at most ${maxSeqLen} tokens, found a prompt of ${ids.length} and max_new ${maxNew}; raise --max-seq-len if the model allows it`,
  )
}

/** How the answers compare with the expected ones; also the JSON of `eval exact-match`. */
export interface ExactMatchReport {
  /** 0..1 */
  readonly accuracy: number
  readonly correct: number
  readonly n: number
  /** Correct of all, e.g. `24/25`. */
  readonly by_category: Readonly<Record<string, string>>
  readonly wrong: readonly { id: string; category: string; got: string; want: string }[]
  /** Raw text by the id of the item. */
  readonly outputs: Readonly<Record<string, string>>
}

/** Counts the answers that equal what was expected, character by character. */
export function exactMatchReport(items: readonly EvalItem[], answers: readonly string[]): ExactMatchReport {
  const categories = new Map<string, { correct: number; n: number }>()
  const wrong: ExactMatchReport['wrong'][number][] = []
  for (const [index, { id, category, expected: want }] of items.entries()) {
    const got = answers[index]!
    const count = categories.get(category) ?? { correct: 0, n: 0 }
    categories.set(category, { correct: count.correct + (got === want ? 1 : 0), n: count.n + 1 })
    if (got !== want) wrong.push({ id, category, got, want })
  }
  const correct = items.length - wrong.length
  return {
    accuracy: correct / items.length,
    correct,
    n: items.length,
    by_category: Object.fromEntries(
      [...categories].map(([category, { correct, n }]) => [category, `${correct}/${n}`]),
    ),
    wrong,
    outputs: Object.fromEntries(items.map(({ id }, index) => [id, answers[index]!])),
  }
}
