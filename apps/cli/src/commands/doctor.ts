import type { DTypeName } from 'trtllm'
import type { Cli, Command } from '../command.js'
import { diagnose, type Line } from '../doctor/diagnoses.js'
import { type Question, questions, type Verdict } from '../doctor/diagnosis.js'
import { gatherFacts } from '../doctor/gather-facts.js'
import { deviceFlag, dtypeFlag, modelOf } from '../flags/model-flags.js'
import { integerFlag } from '../flags/value-flags.js'
import { coloursOf, textTable } from '../table.js'

interface DoctorFlags {
  readonly model?: string
  readonly device?: string
  readonly dtype?: DTypeName
  readonly port?: number
  readonly json?: boolean
}

const defaultPort = 8000

/** `trtllm doctor`: what would keep this machine from serving, and what to do about it. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Check this machine: what would keep it from serving, and the remedy.',
  example: 'doctor --device cuda --model meta-llama/Llama-3.2-1B-Instruct',
  configure(program, cli) {
    program
      .option('--model <model>', 'folder or hub id that is to be served (default: the embedded model)')
      .addOption(deviceFlag())
      .addOption(dtypeFlag())
      .addOption(integerFlag('--port <port>', 'port that is to be listened on (default 8000)', 1, 65_535))
      .option('--json', 'print a JSON object with the facts too')
      .action(cli.run((flags: DoctorFlags) => runDoctor(flags, cli)))
    program.addHelpText('after', '\nExit code: 1 when something would keep the server from serving.')
  },
}

async function runDoctor(flags: DoctorFlags, cli: Cli): Promise<number> {
  const { device = 'auto', dtype = 'auto', port = defaultPort } = flags
  const wanted = { device, dtype, port, model: modelOf(flags) }
  const { environment, ...facts } = await gatherFacts(wanted, cli.environment)
  const lines = diagnose({ ...facts, environment })
  const ok = lines.every(({ verdict }) => verdict !== 'fail')
  // The environment stays out of reports: it holds keys.
  if (flags.json) cli.stdout.write(`${JSON.stringify({ ok, diagnoses: lines, facts }, null, 2)}\n`)
  else cli.stdout.write(textOf(lines, cli))
  return ok ? 0 : 1
}

/** A line a diagnosis, below it the remedy, and at the end which frequent questions are behind the bad ones. */
function textOf(lines: readonly Line[], cli: Cli): string {
  const colours = coloursOf(cli)
  const paint: Record<Verdict, (text: string) => string> = {
    ok: colours.green,
    warn: colours.yellow,
    fail: colours.red,
  }
  const rows = lines.flatMap(({ verdict, name, found, remedy }) => [
    [paint[verdict](verdict), name, found],
    ...(remedy === undefined ? [] : [['', '', colours.bold(`-> ${remedy}`)]]),
  ])
  const bad = lines.filter(({ verdict }) => verdict !== 'ok')
  const counts = `${lines.length - bad.length} ok, ${count(bad, 'warn')} to mind, ${count(bad, 'fail')} failed`
  const asked = [...new Set(bad.flatMap((line) => line.questions))]
  const behind = asked.map((question: Question) => {
    const names = bad.filter((line) => line.questions.includes(question)).map(({ name }) => name)
    return `If ${questions[question]}: ${names.join(', ')}.`
  })
  return `${textTable(['', 'what', 'found'], rows)}\n${[counts, ...behind].join('\n')}\n`
}

const count = (lines: readonly Line[], verdict: Verdict): number =>
  lines.filter((line) => line.verdict === verdict).length
