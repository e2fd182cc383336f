import type { Facts } from './facts.js'

/** `fail` would keep the server from serving as it was asked to; `warn` makes it worse than it could be. */
export type Verdict = 'ok' | 'warn' | 'fail'

/** What a diagnosis found. */
export interface Finding {
  readonly verdict: Verdict
  readonly found: string
  /** What to do; with `warn` and `fail` always. */
  readonly remedy?: string
}

/** One thing that can be wrong. `check` is a pure function of the facts. */
export interface Diagnosis {
  readonly name: string
  /** The questions of the FAQ that it answers. */
  readonly questions: readonly Question[]
  check(facts: Facts): Finding
}

/** Questions people ask most when serving does not work. */
export const questions = {
  install: 'the installation says CUDA version or driver do not fit',
  speed: 'it is slower than it should be',
  model: 'the model does not load: format or weights',
  memory: 'out of memory',
  connect: 'the server cannot be reached',
  accuracy: 'the answers are worse than those of the original model',
  module: 'in a container the module is not found',
} as const

export type Question = keyof typeof questions

export const ok = (found: string): Finding => ({ verdict: 'ok', found })
export const warn = (found: string, remedy: string): Finding => ({ verdict: 'warn', found, remedy })
export const fail = (found: string, remedy: string): Finding => ({ verdict: 'fail', found, remedy })

/** Fails where a GPU was asked for by name; with `auto` the CPU serves. */
export const gpuTrouble = ({ wanted }: Facts, found: string, remedy: string): Finding =>
  wanted.device.startsWith('cuda') ? fail(found, remedy) : warn(found, remedy)

/** Whether a is an older version than b; missing parts count as 0. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let part = 0; part < Math.max(left!.length, right!.length); part++) {
    const difference = (left![part] ?? 0) - (right![part] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** 150754820096 -> 140.4 GiB, and MiB below a tenth of one. */
export const gibibytes = (bytes: number): string =>
  bytes < 0.1 * 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
