import type { LLM } from 'trtllm'
import { type Comparison, comparePrompt } from './compare-logits.js'
import { badData } from './data-file.js'
import type { GoldenFile, GoldenPrompt } from './golden-file.js'
import { GoldenScorer, scoredIds } from './golden-scorer.js'
import { type RunAllOptions, runAll } from './run-all.js'
import { scoreRows } from './score-rows.js'
import type { Tolerances } from './tolerances.js'

/** Runs a golden's prompts with its own tokens as answers, one request each, and compares every number it stores. */
export async function evalLogits(
  llm: LLM,
  golden: GoldenFile,
  limits: Tolerances,
  run: Omit<RunAllOptions, 'limit'>,
): Promise<Comparison[]> {
  for (const [index, prompt] of golden.prompts.entries()) checkPrompt(llm, golden.file, prompt, index)
  const compared = await runAll(
    golden.prompts,
    { ...run, limit: llm.info.maxBatchSize },
    async (prompt, _, signal) => {
      const scorer = new GoldenScorer(prompt)
      await scoreRows(llm, scoredIds(prompt), (position, row) => scorer.row(position, row), signal)
      return comparePrompt(prompt, scorer.found(), limits)
    },
  )
  return compared.flat()
}

function checkPrompt({ info }: LLM, file: string, prompt: GoldenPrompt, index: number): void {
  const where = `${file}: prompt ${index} (${prompt.id})`
  const ids = [...prompt.ids, ...prompt.greedy, ...prompt.topIds]
  const wrong = ids.find((id) => id >= info.vocabSize)
  if (wrong !== undefined) {
    throw badData(
      `${where}: token ${wrong}: expected ids below the vocabulary of ${info.vocabSize}; the golden is of another model`,
    )
  }
  const tokens = scoredIds(prompt).length
  if (tokens >= info.maxSeqLen) {
    throw badData(
      `${where}: expected at most ${info.maxSeqLen - 1} tokens of prompt and answer, found ${tokens}; raise --max-seq-len if the model allows it`,
    )
  }
}
