import type { Command as Program } from 'commander'
import type { Cli } from '../command.js'
import { answerAll, type ExactMatchReport, exactMatchReport } from '../eval/eval-exact-match.js'
import { readEvalItems } from '../eval/eval-items.js'
import { addEvalFlags, type EvalFlags, openEvalModel, runFacts, withProgress } from '../eval/eval-run.js'
import { integerFlag } from '../flags/value-flags.js'
import { giveReport } from '../report.js'

interface ExactMatchFlags extends EvalFlags {
  readonly dataset: string
  readonly limit?: number
}

/** `trtllm eval exact-match`: asks questions that have one right answer and counts the right ones. */
export function configureExactMatch(program: Program, cli: Cli): void {
  program
    .description('Ask questions that have one right answer and count the right ones.')
    .requiredOption('--dataset <file>', 'JSON list of {id, category, messages, tools, expected, max_new}')
    .addOption(integerFlag('--limit <count>', 'ask the first ones only', 1, Number.MAX_SAFE_INTEGER))
  addEvalFlags(program).action(cli.run((flags: ExactMatchFlags) => runExactMatch(flags, cli)))
}

async function runExactMatch(flags: ExactMatchFlags, cli: Cli): Promise<number> {
  const items = readEvalItems(flags.dataset).slice(0, flags.limit)
  await using llm = await openEvalModel(flags, cli)
  const startMs = performance.now()
  const answers = await withProgress(cli, 'answering', items.length, (run) =>
    answerAll(llm, flags.dataset, items, run),
  )
  const facts = runFacts(llm, startMs)
  const report = exactMatchReport(items, answers)
  giveReport(flags.json, exactMatchText(report, facts), { ...facts, ...report }, cli.stdout)
  return 0
}

/** Wrong answers that the text shows at most; the report has all. */
const shownWrong = 10

function exactMatchText(report: ExactMatchReport, facts: ReturnType<typeof runFacts>): string {
  const { accuracy, correct, n, by_category: categories, wrong } = report
  const width = Math.max(...Object.keys(categories).map((name) => name.length))
  const percent = (100 * accuracy).toFixed(2)
  const lines = [
    `${facts.model} in ${facts.dtype} on ${facts.device}: ${correct} of ${n} right, ${percent} %, in ${facts.seconds} s`,
    ...Object.entries(categories).map(([name, count]) => `${name.padEnd(width)}  ${count}`),
  ]
  for (const { id, got, want } of wrong.slice(0, shownWrong))
    lines.push(`${id}: wanted ${JSON.stringify(want)}, got ${JSON.stringify(got)}`)
  if (wrong.length > shownWrong) lines.push(`and ${wrong.length - shownWrong} more; --json lists them`)
  return `${lines.join('\n')}\n`
}
