import { readFileSync } from 'node:fs'
import { readConfigFile } from './config-file.js'
import { createLog } from './log.js'
import { parseFlags } from './parse-flags.js'
import { exitCodeFor, runServer } from './run-server.js'
import { serveOptions } from './serve-options.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const say = (text: string) => void process.stdout.write(text)

async function main(): Promise<number> {
  const flags = parseFlags(process.argv.slice(2), version)
  if (flags.help !== undefined) {
    say(flags.help)
    return 0
  }
  const config = flags.configFile === undefined ? {} : await readConfigFile(flags.configFile)
  const options = serveOptions(flags.model, flags.values, config, process.env)
  const log = createLog(options.logLevel, options.logFormat)
  // Imported late: a wrong flag or a taken port is told without opening the native library.
  const load = async () => (await import('./load-model.js')).loadModel(options, log)
  return await runServer(options, load, { version, log, signals: process, say })
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const debug = process.env.TRTLLM_DEBUG === '1' && error instanceof Error ? `\n${error.stack}` : ''
    process.stderr.write(`trtllm-serve: ${error instanceof Error ? error.message : String(error)}${debug}\n`)
    process.exit(exitCodeFor(error))
  },
)
