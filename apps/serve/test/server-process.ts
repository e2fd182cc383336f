import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/trtllm-serve.mjs', import.meta.url))

/** A running trtllm-serve with what it wrote so far. */
export interface ServerProcess {
  child: ChildProcess
  /** Base URL, once it serves. */
  url: Promise<string>
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  output(): string
}

/** Starts the built server as a user would. */
export function startProcess(args: string[], environment: Record<string, string> = {}): ServerProcess {
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let resolveUrl: (url: string) => void
  let rejectUrl: (error: Error) => void
  const url = new Promise<string>((resolve, reject) => {
    resolveUrl = resolve
    rejectUrl = reject
  })
  url.catch(() => {})
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const found = /^Serving .* on (http:\S+)$/m.exec(output)
      if (found) resolveUrl(found[1]!)
    })
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      rejectUrl(new Error(`the server ended with ${code ?? signal}:\n${output}`))
      resolve({ code, signal })
    })
  })
  return { child, url, exit, output: () => output }
}

/** Process ids of the living children of `pid` (Linux). */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
