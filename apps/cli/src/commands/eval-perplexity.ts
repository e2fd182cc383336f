import type { Command as Program } from 'commander'
import type { Cli } from '../command.js'
import { perplexityReport, readTexts, scoreTexts } from '../eval/eval-perplexity.js'
import { addEvalFlags, type EvalFlags, openEvalModel, runFacts, withProgress } from '../eval/eval-run.js'
import { giveReport } from '../report.js'

interface PerplexityFlags extends EvalFlags {
  readonly text: string
  /** False after `--no-eos`. */
  readonly eos: boolean
}

/** `trtllm eval perplexity`: measures how well a model predicts texts. */
export function configurePerplexity(program: Program, cli: Cli): void {
  program
    .description('Measure how well a model predicts texts.')
    .requiredOption('--text <file>', '.txt: one text as it stands; else a JSON list of texts')
    .option('--no-eos', 'do not append an end id to each text')
  addEvalFlags(program).action(cli.run((flags: PerplexityFlags) => runPerplexity(flags, cli)))
}

/** 1 where the model computes no number. */
async function runPerplexity(flags: PerplexityFlags, cli: Cli): Promise<number> {
  const texts = readTexts(flags.text)
  await using llm = await openEvalModel(flags, cli)
  const startMs = performance.now()
  const scores = await withProgress(cli, 'scoring', texts.length, (run) =>
    scoreTexts(llm, flags.text, texts, { ...run, eos: flags.eos }),
  )
  const facts = runFacts(llm, startMs)
  const report = perplexityReport(texts, scores)
  const text = [
    `${facts.model} in ${facts.dtype} on ${facts.device}: ${texts.length} texts, ${report.story_tokens} tokens, in ${facts.seconds} s`,
    `mean NLL of a token  ${report.story_nll_mean.toFixed(6)}`,
    `perplexity           ${report.story_ppl_per_token.toFixed(4)}`,
    `bits of a byte       ${report.story_bits_per_byte.toFixed(5)}`,
    '',
  ].join('\n')
  giveReport(flags.json, text, { ...facts, n: texts.length, ...report }, cli.stdout)
  return Number.isFinite(report.story_nll_mean) ? 0 : 1
}
