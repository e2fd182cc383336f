import type { GoldenPrompt } from './golden-file.js'
import type { FoundPrompt } from './golden-scorer.js'
import type { Tolerances } from './tolerances.js'

export type NumberKind = 'top logit' | 'logsumexp' | 'prompt NLL' | 'greedy token' | 'gap'

/** One number of a golden beside the engine's. */
export interface Comparison {
  readonly prompt: string
  readonly kind: NumberKind
  /** Which of its kind: `token 2292`, `step 3`; empty where there is one. */
  readonly which: string
  readonly expected: number
  /** NaN where the engine computed no number. */
  readonly found: number
  /** Of a greedy token: 0 where it is the same, else the stored gap. */
  readonly difference: number
  readonly allowed: number
  readonly holds: boolean
}

/** Compares every number that a golden stores for a prompt. NaN never holds. */
export function comparePrompt(golden: GoldenPrompt, found: FoundPrompt, limits: Tolerances): Comparison[] {
  const compared: Comparison[] = []
  const add = (kind: NumberKind, which: string, expected: number, value: number, allowed: number): void => {
    const difference = Math.abs(value - expected)
    const holds = difference <= allowed
    compared.push({ prompt: golden.id, kind, which, expected, found: value, difference, allowed, holds })
  }
  const logit = limits.logit * Math.max(1, deviation(golden.topLogits))
  for (const [i, id] of golden.topIds.entries())
    add('top logit', `token ${id}`, golden.topLogits[i]!, found.topLogits[i] ?? Number.NaN, logit)
  if (golden.logsumexp !== undefined)
    add('logsumexp', '', golden.logsumexp, found.logsumexp, limits.logsumexp)
  if (golden.promptNll !== undefined)
    add('prompt NLL', '', golden.promptNll, found.promptNll, limits.promptNll * Math.abs(golden.promptNll))
  for (const [i, token] of golden.greedy.entries()) {
    const gap = golden.gaps[i]
    const step = found.steps[i]
    compared.push(compareToken(golden.id, i, token, gap ?? Infinity, step?.token, limits))
    // Two logits differ, each by its tolerance; goldens store gaps with four decimals.
    if (gap !== undefined) add('gap', `step ${i}`, gap, step?.gap ?? Number.NaN, 2 * logit + 5e-5)
  }
  return compared
}

function compareToken(
  prompt: string,
  step: number,
  expected: number,
  gap: number,
  token: number | undefined,
  { argmaxGap: allowed }: Tolerances,
): Comparison {
  const found = token ?? Number.NaN
  const isSame = found === expected
  const difference = isSame ? 0 : token === undefined ? Number.NaN : gap
  return {
    ...{ prompt, kind: 'greedy token', which: `step ${step}`, expected, found, difference, allowed },
    holds: isSame || difference < allowed,
  }
}

/** Standard deviation of all of `values`; 0 for none. */
export function deviation(values: readonly number[]): number {
  if (values.length === 0) return 0
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

/** How often the tolerance goes into the difference; NaN is infinitely far. */
export function severity({ difference, allowed }: Comparison): number {
  if (Number.isNaN(difference)) return Infinity
  return difference === 0 ? 0 : difference / allowed
}

/** The comparisons that do not hold, worst first. */
export const offenders = (compared: readonly Comparison[]): Comparison[] =>
  compared.filter(({ holds }) => !holds).sort((a, b) => severity(b) - severity(a))

/** What became of the numbers of one kind. */
export interface KindSummary {
  readonly kind: NumberKind
  readonly compared: number
  readonly beyond: number
  /** The one that comes nearest to its tolerance or lies farthest beyond it. */
  readonly worst: Comparison
}

/** One line for each kind of number there is. */
export function summarize(compared: readonly Comparison[]): KindSummary[] {
  const kinds = new Map<NumberKind, Comparison[]>()
  for (const one of compared) {
    const same = kinds.get(one.kind)
    if (same) same.push(one)
    else kinds.set(one.kind, [one])
  }
  return [...kinds].map(([kind, all]) => ({
    kind,
    compared: all.length,
    beyond: all.filter(({ holds }) => !holds).length,
    worst: all.reduce((worst, one) => (severity(one) > severity(worst) ? one : worst)),
  }))
}
