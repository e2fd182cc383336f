import { textTable } from '../../table.js'
import type { FirstToken } from './first-token.js'

const seconds = (ms: number): number => Number((ms / 1000).toFixed(3))

/** One start, in seconds: the whole, and its parts in order. */
export function startupTimes({ programMs, startedMs, loadedMs, firstTokenMs, loadSeconds }: FirstToken) {
  const stages = Object.entries(loadSeconds).map(([name, time]) => [name, Number(time.toFixed(3))] as const)
  const known = stages.reduce((sum, [, time]) => sum + 1000 * time, 0)
  return {
    first_token_s: seconds(firstTokenMs),
    stages_s: {
      'starting node': seconds(programMs),
      'loading modules': seconds(startedMs - programMs),
      ...Object.fromEntries(stages),
      'engine and tokenizer': seconds(loadedMs - startedMs - known),
      'first token': seconds(firstTokenMs - loadedMs),
    } as Readonly<Record<string, number>>,
  }
}

export type StartupTimes = ReturnType<typeof startupTimes>

/** The run in the middle by its whole time. */
export function medianRun(runs: readonly StartupTimes[]): StartupTimes {
  return [...runs].sort((a, b) => a.first_token_s - b.first_token_s)[(runs.length - 1) >> 1]!
}

/** As people read it. */
export function startupLines(runs: readonly StartupTimes[], weightsBytes: number): string {
  const { first_token_s: whole, stages_s: stages } = medianRun(runs)
  const others = runs.map(({ first_token_s: time }) => time.toFixed(2)).join(', ')
  const rows = Object.entries(stages).map(([name, time]) => [name, time.toFixed(3)])
  const rate = weightsBytes / 1e9 / Math.max(1e-3, stages['loading weights'] ?? 0)
  return `${textTable(['stage', 's'], rows, [1])}first token after ${whole.toFixed(2)} s (median of ${others}); weights at ${rate.toFixed(1)} GB/s\n`
}
