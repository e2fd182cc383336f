import { TrtllmError } from '@trtllm/kernels'
import { CommanderError, Command as Program } from 'commander'
import { version } from 'trtllm'
import type { Cli, Command, Surroundings } from './command.js'
import { commands } from './command-table.js'
import { exitCodeFor, Stopped } from './exit-code.js'
import { flagWords, knownFlags, withDashes } from './flags/spelling.js'
import { usageMessage } from './flags/usage-message.js'

/**
 * Runs one command line (without `node` and the script) to its end, in this process.
 * @returns the exit code; what went wrong is on `stderr` by then. Never rejects.
 */
export async function runCli(
  argv: readonly string[],
  given: Pick<Surroundings, 'stdout' | 'stderr'> & Partial<Surroundings>,
): Promise<number> {
  const surroundings: Surroundings = {
    stdin: process.stdin,
    environment: process.env,
    program: [process.execPath, process.argv[1]!],
    signal: new AbortController().signal,
    ...given,
  }
  let code = 0
  let name = ''
  const cli: Cli = {
    ...surroundings,
    commandLine: ['trtllm', ...argv].join(' '),
    run:
      (action) =>
      async (...args) => {
        code = (await action(...args)) ?? 0
      },
  }
  const root = describe(cli, (program) => {
    name = pathOf(program)
  })
  const known = knownFlags(root)
  try {
    await root.parseAsync(withDashes(argv, known), { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    // No command was named: the help is on stderr already.
    if (error instanceof CommanderError && error.code === 'commander.help') return 64
    if (error instanceof Stopped) return error.exitCode
    const { message, exitCode } = failure(error, known)
    const debug = surroundings.environment.TRTLLM_DEBUG === '1' ? `\n${(error as Error).stack}` : ''
    surroundings.stderr.write(`${['trtllm', name].join(' ').trim()}: ${message}${debug}\n`)
    return exitCode
  }
}

function failure(error: unknown, known: ReadonlySet<string>): { message: string; exitCode: number } {
  if (error instanceof CommanderError) return { message: usageMessage(error), exitCode: 64 }
  const message = error instanceof Error ? error.message : String(error)
  return { message: flagWords(message, known), exitCode: exitCodeFor(error) }
}

function describe(cli: Cli, onCommand: (program: Program) => void): Program {
  const root = new Program('trtllm')
    .description('LLM inference for NVIDIA GPUs and CPUs.')
    .version(version, '-v, --version')
    .configureOutput({
      writeOut: (text) => cli.stdout.write(text),
      writeErr: (text) => cli.stderr.write(text),
      outputError: () => {},
    })
    .addHelpText('after', `\nExamples:\n${commands.map(({ example }) => `  trtllm ${example}`).join('\n')}`)
  for (const command of commands) addCommand(root, command, cli)
  watch(root, onCommand)
  return root
}

function addCommand(root: Program, { name, summary, example, configure }: Command, cli: Cli): void {
  const program = root.command(name).summary(summary).description(summary)
  configure(program, cli)
  program.addHelpText('after', `\nExample:\n  trtllm ${example}`)
}

/** Makes commander throw instead of ending the process, and tell which command it reads. */
function watch(program: Program, onCommand: (program: Program) => void): void {
  program.allowExcessArguments(false).exitOverride()
  program.hook('preSubcommand', (_, command) => onCommand(command))
  checkNeededLast(program)
  for (const command of program.commands) watch(command, onCommand)
}

/** A mistyped flag is told as such, not as the lack of the flag that was meant: commander would look the other way round. */
function checkNeededLast(program: Program): void {
  const needed = program.options.filter(({ mandatory }) => mandatory)
  for (const option of needed) option.makeOptionMandatory(false)
  program.hook('preAction', (_, command) => {
    const isMissing = (name: string) => command.getOptionValue(name) === undefined
    const missing = needed.find((option) => command === program && isMissing(option.attributeName()))
    if (missing) throw new TrtllmError('bad_flag', `${missing.long} is needed; see --help.`)
  })
}

/** `eval logits` of that command; nothing of the root. */
function pathOf(program: Program): string {
  return program.parent ? `${pathOf(program.parent)} ${program.name()}`.trim() : ''
}
