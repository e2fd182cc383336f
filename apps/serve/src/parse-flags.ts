import { StartError } from '@trtllm/serve'
import { Command, CommanderError } from 'commander'
import { nearest } from './nearest.js'
import {
  type OptionKey,
  type OptionValues,
  optionTable,
  type ServeOption,
  unsupportedOptions,
} from './option-table.js'

/** The command line, checked flag by flag. `help` is text to print instead of serving. */
export interface ParsedFlags {
  model?: string
  configFile?: string
  values: OptionValues
  help?: string
}

const configFlags = ['config', 'extra-llm-api-options']
const entries = Object.entries(optionTable) as [OptionKey, ServeOption][]
const dashed = (key: string) => key.replaceAll('_', '-')
const camel = (key: string) => key.replace(/[_-](\w)/g, (_, letter: string) => letter.toUpperCase())

/** Reads the command line. Flags may be spelled with dashes or underscores. @throws StartError 64 naming the flag. */
export function parseFlags(argv: readonly string[], version: string): ParsedFlags {
  const args = argv[0] === 'serve' ? argv.slice(1) : [...argv]
  if (['disaggregated', 'disaggregated_mpi_worker', 'mm_embedding_serve'].includes(args[0] ?? ''))
    throw new StartError(
      64,
      `The command '${args[0]}' is not supported in this version; only serving one model is.`,
    )
  let shown = ''
  const command = describeCommand(version).configureOutput({
    writeOut: (text) => (shown += text),
    writeErr: () => {},
  })
  try {
    command.parse(args.map(withDashes), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { values: {}, help: shown }
    throw flagError(error)
  }
  return readCommand(command)
}

function describeCommand(version: string): Command {
  const command = new Command('trtllm-serve')
    .description('Serves a model over an OpenAI-compatible HTTP interface.')
    .argument('[model]', 'model id or folder (default: the embedded model)')
    .version(version, '-v, --version')
    .exitOverride()
    .allowExcessArguments(false)
    .option('--config <file>', 'YAML file of options; it wins over flags (also --extra-llm-api-options)')
  command.addOption(command.createOption('--extra-llm-api-options <file>').hideHelp())
  command.option('--model <model>', 'the same as the argument')
  for (const [key, { kind, help }] of entries) {
    if (kind === 'boolean') command.option(`--${dashed(key)} [boolean]`, help)
    else if (kind === 'list')
      command.option(`--${dashed(key)} <value>`, help, (value: string, all: string[] = []) => [...all, value])
    else command.option(`--${dashed(key)} <value>`, help)
  }
  for (const key of Object.keys(unsupportedOptions))
    command.addOption(command.createOption(`--${dashed(key)} [value]`).hideHelp())
  return command
}

function readCommand(command: Command): ParsedFlags {
  const given = command.opts<Record<string, unknown>>()
  for (const key of Object.keys(unsupportedOptions)) {
    const value = given[camel(key)]
    if (value !== undefined) checkUnsupported(`--${dashed(key)}`, key, value)
  }
  const values: Record<string, unknown> = {}
  for (const [key, option] of entries) {
    const value = given[camel(key)]
    if (value !== undefined) values[key] = checkValue(`--${dashed(key)}`, option, fromText(option, value))
  }
  const models = [...command.args, given.model].filter((each) => typeof each === 'string')
  if (models.length > 1) throw oneModel()
  const [model] = models
  const configFile = configFlags.map((name) => given[camel(name)]).find((value) => typeof value === 'string')
  return {
    values: values as OptionValues,
    ...(model === undefined ? {} : { model }),
    ...(typeof configFile === 'string' ? { configFile } : {}),
  }
}

/** Checks a value against the table. @throws StartError 64 with what was expected. */
export function checkValue(name: string, option: ServeOption, value: unknown): unknown {
  const result = option.schema.safeParse(value)
  if (result.success) return result.data
  const shown = option.kind === 'list' ? 'something else' : JSON.stringify(value)
  throw new StartError(64, `${name} must be ${option.expects}; got ${shown}.`)
}

/** Refuses an option this version lacks, unless its value asks for nothing. @throws StartError 64 naming it. */
export function checkUnsupported(name: string, key: string, value: unknown): void {
  if (unsupportedOptions[key]!.includes(String(value))) return
  throw new StartError(64, `${name} is not supported in this version; leave it out.`)
}

function fromText(option: ServeOption, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (option.kind === 'boolean') return value === 'true' ? true : value === 'false' ? false : value
  if (option.kind !== 'integer' && option.kind !== 'number') return value
  return /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(value) ? Number(value) : value
}

/** `--max_batch_size=4` -> `--max-batch-size=4`; anything else stays. */
function withDashes(argument: string): string {
  const [, name, rest] = /^--([\w-]+)(=.*)?$/s.exec(argument) ?? []
  return name === undefined ? argument : `--${dashed(name)}${rest ?? ''}`
}

const oneModel = () => new StartError(64, 'Only one model can be served; give one folder or model id.')

function flagError(error: CommanderError): StartError {
  const name = /'(--?[\w-]+)/.exec(error.message)?.[1] ?? ''
  if (error.code === 'commander.unknownOption') {
    const known = [...entries.map(([key]) => dashed(key)), ...configFlags, 'model', 'help', 'version']
    const close = nearest(name.replace(/^--/, ''), known)
    const remedy = close === undefined ? 'see --help' : `did you mean --${close}?`
    return new StartError(64, `There is no flag ${name}; ${remedy}`)
  }
  if (error.code === 'commander.optionMissingArgument')
    return new StartError(64, `${name} needs a value; see --help.`)
  if (error.code === 'commander.excessArguments') return oneModel()
  return new StartError(64, error.message)
}
