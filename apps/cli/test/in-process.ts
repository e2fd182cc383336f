import { Readable } from 'node:stream'
import type { Surroundings } from '../src/command.js'
import { runCli } from '../src/run-cli.js'

/** What a command line did. */
export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `trtllm ...` in this process; standard input is empty unless given. */
export async function trtllm(argv: readonly string[], given: Partial<Surroundings> = {}): Promise<Run> {
  let [stdout, stderr] = ['', '']
  const code = await runCli(argv, {
    stdin: Readable.from([]),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    ...given,
  })
  return { code, stdout, stderr }
}
