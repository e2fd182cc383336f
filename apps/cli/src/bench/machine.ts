import { spawn } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** What a figure depends on beside the program, as nvidia-smi tells it; numbers as text with their units. */
export interface GpuState {
  readonly name: string
  readonly driver: string
  readonly 'memory.total': string
  readonly 'clocks.sm': string
  readonly 'clocks.mem': string
  readonly 'power.limit': string
  readonly 'power.draw': string
}

const queries = [
  'name',
  'driver_version',
  'memory.total',
  'clocks.sm',
  'clocks.mem',
  'power.limit',
  'power.draw',
]

/** The state of GPU `ordinal` now, read while it works; undefined where there is no nvidia-smi. */
export function gpuState(ordinal: number): Promise<GpuState | undefined> {
  return new Promise((resolve) => {
    const flags = [`--id=${ordinal}`, `--query-gpu=${queries}`, '--format=csv,noheader']
    const child = spawn('nvidia-smi', flags, { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', () => resolve(undefined))
    child.on('close', (status) => {
      const values = text.trim().split(', ')
      const [name, driver, ...rest] = values
      if (status !== 0 || values.length !== queries.length) return resolve(undefined)
      const named = queries.slice(2).map((key, i) => [key, rest[i]] as const)
      resolve({ name, driver, ...Object.fromEntries(named) } as unknown as GpuState)
    })
  })
}

/** The host: what a figure of the CPU backend depends on. */
export const hostFacts = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cpu_threads: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
})
