import type { LLM } from 'trtllm'
import { badData, isName, listOf, readDataJson, readDataText, show } from './data-file.js'
import { negativeLogProbability } from './log-sum-exp.js'
import { type RunAllOptions, runAll } from './run-all.js'
import { scoreRows } from './score-rows.js'

/** What a model thinks of one text. */
export interface TextScore {
  /** Sum of -log p over the predicted tokens, in nats. */
  readonly nll: number
  /** Predicted tokens: all but the first. */
  readonly tokens: number
}

/** A .txt file is one text as it stands, any other file a JSON list. @throws TrtllmError exit 64 or 65. */
export function readTexts(file: string): string[] {
  if (file.endsWith('.txt')) {
    const text = readDataText('--text', file)
    if (text === '') throw badData(`${file}: expected a text, found an empty file`)
    return [text]
  }
  return listOf(readDataJson('--text', file), file, 'texts').map((text, index) => {
    if (isName(text)) return text
    throw badData(`${file}: text ${index}: expected a string that is not empty, found ${show(text)}`)
  })
}

/** Scores texts token by token, each with the tokenizer's own beginning and, unless `eos` is false, its end id. */
export async function scoreTexts(
  llm: LLM,
  file: string,
  texts: readonly string[],
  { eos, ...run }: { readonly eos: boolean } & Omit<RunAllOptions, 'limit'>,
): Promise<TextScore[]> {
  const encoded = texts.map((text, index) => textIds(llm, text, eos, `${file}: text ${index}`))
  return await runAll(encoded, { ...run, limit: llm.info.maxBatchSize }, async (ids, _, signal) => {
    let nll = 0
    const take = (position: number, row: Float32Array): void => {
      nll += negativeLogProbability(row, ids[position + 1]!)
    }
    // Nothing follows the last token, so nothing has to score what follows it.
    await scoreRows(llm, ids.slice(0, -1), take, signal)
    return { nll, tokens: ids.length - 1 }
  })
}

function textIds({ tokenizer, info }: LLM, text: string, eos: boolean, where: string): number[] {
  const ids = tokenizer.encode(text)
  const end = tokenizer.eosId ?? info.eosIds[0]
  if (eos && end === undefined)
    throw badData(
      `${where}: expected an end id to append, but the model states none; leave it out by --no-eos`,
    )
  if (eos) ids.push(end!)
  if (ids.length < 2)
    throw badData(`${where}: expected at least 2 tokens, found ${ids.length}: there is nothing to predict`)
  if (ids.length <= info.maxSeqLen) return ids
  throw badData(
    `${where}: expected at most ${info.maxSeqLen} tokens, found ${ids.length}; cut it into several texts of a JSON list`,
  )
}

/** The numbers of `eval perplexity`, as its JSON has them. */
export interface PerplexityReport {
  /** Mean over all predicted tokens, in nats. */
  readonly story_nll_mean: number
  readonly story_ppl_per_token: number
  readonly story_bits_per_byte: number
  readonly story_tokens: number
  /** Sum of each text, in nats. */
  readonly story_nll: readonly number[]
}

/** Sums up the scores of texts. */
export function perplexityReport(texts: readonly string[], scores: readonly TextScore[]): PerplexityReport {
  const nll = scores.reduce((sum, score) => sum + score.nll, 0)
  const tokens = scores.reduce((sum, score) => sum + score.tokens, 0)
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return {
    story_nll_mean: nll / tokens,
    story_ppl_per_token: Math.exp(nll / tokens),
    story_bits_per_byte: nll / Math.LN2 / bytes,
    story_tokens: tokens,
    story_nll: scores.map((score) => score.nll),
  }
}
