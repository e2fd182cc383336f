import { readFileSync } from 'node:fs'
import { StartError } from '@trtllm/serve'
import { readConfigFile } from './config-file.js'
import { flagWords } from './flag-words.js'
import { createLog } from './log.js'
import { parseFlags } from './parse-flags.js'
import { exitCodeFor, runServer, type Surroundings } from './run-server.js'
import { serveOptions } from './serve-options.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const say = (text: string) => void process.stdout.write(text)

/** Runs the command until the server has ended. @returns the exit code; what went wrong is on stderr by then. */
export async function main(
  argv: readonly string[],
  hooks: Pick<Surroundings, 'onServing'> = {},
): Promise<number> {
  // A disk that is full or a reader that left takes the words, not the server.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    return await start(argv, hooks)
  } catch (error) {
    const debug = process.env.TRTLLM_DEBUG === '1' && error instanceof Error ? `\n${error.stack}` : ''
    const message =
      error instanceof StartError ? error.message : flagWords(String((error as Error)?.message ?? error))
    process.stderr.write(`trtllm-serve: ${message}${debug}\n`)
    return exitCodeFor(error)
  }
}

async function start(argv: readonly string[], hooks: Pick<Surroundings, 'onServing'>): Promise<number> {
  const flags = parseFlags(argv, version)
  if (flags.help !== undefined) {
    say(flags.help)
    return 0
  }
  const config = flags.configFile === undefined ? {} : await readConfigFile(flags.configFile)
  const options = serveOptions(flags.model, flags.values, config, process.env)
  const log = createLog(options.logLevel, options.logFormat)
  // Imported late: a wrong flag or a taken port is told without reading the engine's code.
  const load = async () => (await import('./load-model.js')).loadModel(options, log)
  return await runServer(options, load, { version, log, signals: process, say, ...hooks })
}
