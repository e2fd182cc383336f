import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** Milliseconds between two samples: often enough for a run of a few seconds, rare enough not to disturb it. */
const everyMs = 250

/** What does not change during a run, by the name of nvidia-smi; text with units. */
const constants = {
  name: '',
  driver_version: '',
  'memory.total': ' MiB',
  'power.limit': ' W',
  'clocks.max.sm': ' MHz',
}

/** What does: MHz, MHz, W, degrees Celsius, MiB. */
const sampled = ['clocks.sm', 'clocks.mem', 'power.draw', 'temperature.gpu', 'memory.used'] as const

const constantNames = Object.keys(constants) as (keyof typeof constants)[]
const queries = [...constantNames, ...sampled]

export interface Spread {
  readonly minimum: number
  readonly median: number
  readonly maximum: number
}

/** A GPU and how it was doing while it worked. */
export type GpuReport = Readonly<Record<'name' | 'driver' | 'memory.total' | 'power.limit', string>> & {
  readonly 'clocks.max.sm': string
  /** Samples that the spreads are of. */
  readonly samples: number
} & Readonly<Partial<Record<(typeof sampled)[number], Spread>>>

/**
 * Samples clocks, power, temperature and memory of a GPU while something runs: a GPU that has just become idle shows
 * other clocks within milliseconds. Where there is no nvidia-smi it reports nothing.
 */
export class GpuWatch implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, null>
  readonly #ended: Promise<void>
  #rest = ''
  #constants: readonly string[] | undefined
  #samples: number[][] = []

  private constructor(ordinal: number, program: string) {
    const flags = [`--id=${ordinal}`, `--query-gpu=${queries}`, '--format=csv,noheader,nounits']
    this.#child = spawn(program, [...flags, `--loop-ms=${everyMs}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#child.stdout.setEncoding('utf8').on('data', (part: string) => this.#read(part))
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', () => resolve())
      this.#child.on('close', () => resolve())
    })
  }

  /** Starts sampling; the first sample takes up to a second to come. */
  static start(ordinal: number, program = 'nvidia-smi'): GpuWatch {
    return new GpuWatch(ordinal, program)
  }

  /** Samples since the beginning. */
  get samples(): number {
    return this.#samples.length
  }

  /** Forgets the samples so far: what counts begins now. */
  begin(): void {
    this.#samples = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#ended
  }

  /** Stops sampling. @returns undefined where nothing could be read. */
  async stop(): Promise<GpuReport | undefined> {
    const samples = this.#samples
    await this[Symbol.asyncDispose]()
    if (!this.#constants) return undefined
    const [name, driver, ...rest] = this.#constants
    const named = constantNames.slice(2).map((key, i) => [key, `${rest[i]}${constants[key]}`])
    const spreads = sampled.map((key, i) => [key, spreadOf(samples.map((values) => values[i]!))])
    return {
      ...{ name, driver, samples: samples.length },
      ...Object.fromEntries([...named, ...spreads.filter(([, spread]) => spread !== undefined)]),
    } as GpuReport
  }

  #read(part: string): void {
    const lines = (this.#rest + part).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const values = line.split(', ')
      if (values.length !== queries.length) continue
      this.#constants ??= values.slice(0, constantNames.length)
      this.#samples.push(values.slice(constantNames.length).map(Number))
    }
  }
}

/** A GPU may not know its power or clocks: then there is no spread of them. */
function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  return { minimum: sorted[0]!, median: sorted[sorted.length >> 1]!, maximum: sorted.at(-1)! }
}

/** Samples the GPU that a model runs on; undefined for other kinds of devices. `device` is as --device names it. */
export function watchGpu(kind: string, device = kind): GpuWatch | undefined {
  return kind.startsWith('cuda') ? GpuWatch.start(Number(/:(\d+)$/.exec(device)?.[1] ?? 0)) : undefined
}
