import type { FloatDType } from '@trtllm/kernels'
import type { Command as Program } from 'commander'
import type { Cli } from '../command.js'
import { offenders, summarize } from '../eval/compare-logits.js'
import { evalLogits } from '../eval/eval-logits.js'
import { addEvalFlags, type EvalFlags, openEvalModel, runFacts, withProgress } from '../eval/eval-run.js'
import { readGoldenFile } from '../eval/golden-file.js'
import { logitsText } from '../eval/logits-text.js'
import { defaultTolerances, type Tolerances } from '../eval/tolerances.js'
import { numberFlag } from '../flags/value-flags.js'
import { giveReport } from '../report.js'

interface LogitsFlags extends EvalFlags {
  readonly golden: string
  readonly logitTolerance?: number
  readonly argmaxGap?: number
  readonly logsumexpTolerance?: number
  readonly nllTolerance?: number
}

/** `trtllm eval logits`: compares logits with those a reference stored, given the same tokens. */
export function configureLogits(program: Program, cli: Cli): void {
  const tolerance = (flag: string, help: string, key: keyof Tolerances) => {
    const usual = (['f32', 'f16', 'bf16'] as const).map((dtype) => defaultTolerances[dtype][key])
    return numberFlag(
      `${flag} <number>`,
      `${help} (default f32, f16, bf16: ${usual.join(', ')})`,
      0,
      Infinity,
    )
  }
  program
    .description('Compare logits with those a reference stored, given the same tokens.')
    .requiredOption('--golden <file>', 'JSON with meta.stop_ids and prompts as token ids')
    .addOption(tolerance('--logit-tolerance', 'times max(1, deviation of the stored logits)', 'logit'))
    .addOption(tolerance('--argmax-gap', 'stored gap below which another token may win', 'argmaxGap'))
    .addOption(tolerance('--logsumexp-tolerance', 'of the logsumexp', 'logsumexp'))
    .addOption(tolerance('--nll-tolerance', 'of the NLL of a prompt, relative', 'promptNll'))
  addEvalFlags(program).action(cli.run((flags: LogitsFlags) => runLogits(flags, cli)))
}

/** 1 where a number lies beyond its tolerance or none was compared. */
async function runLogits(flags: LogitsFlags, cli: Cli): Promise<number> {
  const golden = readGoldenFile(flags.golden)
  await using llm = await openEvalModel(flags, cli, { tokenizer: false })
  const tolerances = tolerancesOf(flags, llm.info.dtype as FloatDType)
  const startMs = performance.now()
  const compared = await withProgress(cli, 'scoring', golden.prompts.length, (run) =>
    evalLogits(llm, golden, tolerances, run),
  )
  const facts = runFacts(llm, startMs)
  const wrong = offenders(compared)
  const passed = compared.length > 0 && wrong.length === 0
  const text = logitsText(compared, `${facts.model} in ${facts.dtype} on ${facts.device}`)
  const report = {
    ...{ ...facts, passed, compared: compared.length, beyond: wrong.length, tolerances },
    kinds: summarize(compared),
    offenders: wrong,
  }
  giveReport(flags.json, text, report, cli.stdout)
  return passed ? 0 : 1
}

function tolerancesOf(flags: LogitsFlags, dtype: FloatDType): Tolerances {
  const usual = defaultTolerances[dtype]
  return {
    logit: flags.logitTolerance ?? usual.logit,
    argmaxGap: flags.argmaxGap ?? usual.argmaxGap,
    logsumexp: flags.logsumexpTolerance ?? usual.logsumexp,
    promptNll: flags.nllTolerance ?? usual.promptNll,
  }
}
