import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/trtllm-serve.mjs', import.meta.url))

/** Flags of a server on a free port of this machine's CPU. */
export const onCpu = ['--port', '0', '--device', 'cpu']

/** A running trtllm-serve with what it wrote so far. */
export interface ServerProcess extends AsyncDisposable {
  child: ChildProcess
  /** Base URL, once it serves. */
  url: Promise<string>
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  output(): string
}

/** Starts the built server as a user would. Disposing it kills it. */
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
  const dispose = async () => {
    child.kill('SIGKILL')
    await exit
  }
  return { child, url, exit, output: () => output, [Symbol.asyncDispose]: dispose }
}

/** The process id of a server's engine (Linux). */
export function engineOf({ child }: ServerProcess): number {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  const [engine] = children.split(' ').filter(Boolean).map(Number)
  if (engine === undefined) throw new Error('the server has no engine process')
  return engine
}

/** Whether a process runs. One that has ended and that nobody has asked about is no longer running. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Values of /prometheus/metrics by name; of several with one name, the last. */
export async function gauges(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/prometheus/metrics`)).text()
  const lines = text.matchAll(/^trtllm_(\w+)(?:\{[^}]*\})? (\S+)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]))
}

/** The engine holds nothing: no request runs and every page is back. */
export const idle = { num_requests_running: 0, engine_quiescent: 1, kv_cache_used_blocks: 0 }
