import { spawn } from 'node:child_process'
import { TrtllmError } from '@trtllm/kernels'
import type { LoadOptions } from 'trtllm'
import type { FirstToken } from './first-token.js'

/** What the program of its own is told, as JSON on its standard input. */
export interface FirstTokenTask {
  readonly model: string
  readonly options: LoadOptions
  readonly isl: number
  readonly spawnedAtMs: number
}

/** Spawns this program anew, lets it load and wait for its first token. @throws TrtllmError with what it said. */
export function runProgram(
  [node, ...script]: readonly string[],
  task: Omit<FirstTokenTask, 'spawnedAtMs'>,
  signal: AbortSignal,
): Promise<FirstToken> {
  return new Promise((resolve, reject) => {
    const spawnedAtMs = performance.timeOrigin + performance.now()
    const child = spawn(node!, [...script, 'bench', 'first-token'], { stdio: 'pipe', signal })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify({ ...task, spawnedAtMs } satisfies FirstTokenTask))
    child.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    child.on('close', (code, ended) => {
      if (code === 0) return resolve(JSON.parse(stdout) as FirstToken)
      const how = ended ? `was ended by ${ended}` : `ended with ${code}`
      const said = stderr.trim().replace(/^trtllm bench first-token: /, '')
      reject(new TrtllmError('internal', `the program that loads the model ${how}: ${said}`))
    })
  })
}
