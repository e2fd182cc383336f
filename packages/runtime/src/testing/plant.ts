import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { PlantedDefect } from './planted-defects.js'

const source = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The part of esbuild's interface that is used here; tsup brings it along. */
interface Bundler {
  build(options: Record<string, unknown>): Promise<unknown>
}

const bundler = (): Bundler =>
  createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild') as Bundler

const entry = `
import { parentPort, workerData } from 'node:worker_threads'
import { liveInterleavings } from './testing/interleaving.ts'
import { liveWithCancels } from './testing/cancelled-lives.ts'
import { liveWithDeadlines } from './testing/deadline-life.ts'
const live = { interleavings: liveInterleavings, cancels: liveWithCancels, deadlines: liveWithDeadlines }
let found
try {
  for (const [kind, ...sizes] of workerData) live[kind](...sizes)
} catch (error) {
  found = error.message
}
parentPort.postMessage(found)
`

/** A source file with a defect in it. Throws when the place does not occur exactly once. */
export function plant({ name, file, find, replace }: PlantedDefect): string {
  const text = readFileSync(join(source, file), 'utf8')
  if (text.split(find).length !== 2) {
    throw new Error(
      `planted defect "${name}": ${file} has its place ${text.split(find).length - 1} times, expected once`,
    )
  }
  return text.replace(find, () => replace)
}

/** What kind of life, and its arguments: seed, how many, options. */
export type Life = readonly [
  kind: 'interleavings' | 'cancels' | 'deadlines',
  seed: number,
  count: number,
  options?: object,
]

/**
 * Builds the engine, with a defect if one is given, and lives through the lives in a thread of its own. Returns what they found wrong, or undefined. A thread that does not end in time counts as found.
 */
export async function hunt(
  defect: PlantedDefect | undefined,
  lives: readonly Life[],
  timeoutMs: number,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'))
  try {
    const outfile = join(folder, 'engine.mjs')
    const planting = {
      name: 'plant',
      setup(build: { onLoad(filter: object, load: (args: { path: string }) => object | undefined): void }) {
        build.onLoad({ filter: /\.ts$/ }, ({ path }) =>
          defect && path === join(source, defect.file)
            ? { contents: plant(defect), loader: 'ts' }
            : undefined,
        )
      },
    }
    await bundler().build({
      stdin: { contents: entry, resolveDir: source, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      conditions: ['source'],
      logLevel: 'error',
      outfile,
      plugins: [planting],
    })
    return await new Promise<string | undefined>((resolve, reject) => {
      const worker = new Worker(outfile, { workerData: lives })
      const timer = setTimeout(() => {
        void worker.terminate()
        resolve(`did not end within ${timeoutMs} ms`)
      }, timeoutMs)
      worker.once('error', reject)
      worker.once('message', (found: string | undefined) => {
        clearTimeout(timer)
        resolve(found)
      })
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
