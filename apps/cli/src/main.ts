import { Stopped } from './exit-code.js'
import { runCli } from './run-cli.js'

/** Signals that end a command, by the number that the exit code tells. */
const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/** Runs the command line of this process. @returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const end = new AbortController()
  for (const [name, number] of Object.entries(signals)) {
    process.on(name, () => {
      // The second one does not wait for anything.
      if (end.signal.aborted) process.exit(128 + number)
      end.abort(new Stopped(name, 128 + number))
    })
  }
  // `trtllm generate | head -c1`: the reader has what it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`trtllm: cannot write to stdout: ${error.message}\n`)
    end.abort(new Stopped(error.message, error.code === 'EPIPE' ? 0 : 1))
  })
  process.stderr.on('error', () => {})
  const { stdout, stderr, stdin, env } = process
  const code = await runCli(argv, { stdout, stderr, stdin, environment: env, signal: end.signal })
  return end.signal.aborted ? (end.signal.reason as Stopped).exitCode : code
}
