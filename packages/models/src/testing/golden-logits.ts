import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { goldensDirectory } from './golden-checkpoint.js'

/** One prompt of a golden.json. */
export interface GoldenPrompt {
  readonly id: string
  readonly ids: readonly number[]
  readonly prompt_nll: number
  readonly logsumexp: number
  readonly top_ids: readonly number[]
  readonly top_logits: readonly number[]
  readonly greedy: readonly number[]
  readonly gaps: readonly number[]
  /** For each prompt position: id of the largest logit, that logit, its gap to the next, logsumexp. */
  readonly positions: readonly (readonly [id: number, logit: number, gap: number, logSumExp: number])[]
  /** Deviation of all logits of the prompt. */
  readonly std: number
  /** How far Transformers in bf16 is from this, over top_logits and the logits of positions. */
  readonly bf16: { readonly rms: number; readonly max: number }
}

/** A golden.json: what Transformers computed. */
export interface Golden {
  readonly meta: { readonly greedy_max: number }
  readonly prompts: readonly GoldenPrompt[]
}

export const goldenOf = (variant: string): Golden =>
  JSON.parse(readFileSync(`${goldensDirectory}/${variant}/golden.json`, 'utf8'))

/** Ids whose logits a golden speaks of: the prompt and its greedy tokens but the last. */
export const teacherForced = ({ ids, greedy }: GoldenPrompt): number[] => [...ids, ...greedy.slice(0, -1)]

/**
 * Expects the logits of every position of `teacherForced` to be the golden's: the 32 largest after the prompt within
 * `tolerance`, its logsumexp and the prompt's NLL, and the greedy token wherever the runner-up is not close.
 */
export function expectGoldenLogits(
  prompt: GoldenPrompt,
  row: (position: number) => ArrayLike<number>,
  tolerance: number,
): void {
  const last = prompt.ids.length - 1
  const nll = prompt.ids.slice(1).reduce((sum, id, i) => sum + logSumExp(row(i)) - row(i)[id]!, 0)
  expect(Math.abs(nll - prompt.prompt_nll)).toBeLessThanOrEqual(tolerance * (1 + prompt.prompt_nll))
  expect(Math.abs(logSumExp(row(last)) - prompt.logsumexp)).toBeLessThan(tolerance)
  for (const [i, id] of prompt.top_ids.entries()) {
    expect(Math.abs(row(last)[id]! - prompt.top_logits[i]!)).toBeLessThan(tolerance)
  }
  for (const [i, [id, logit, gap, sum]] of prompt.positions.entries()) {
    expect(Math.abs(row(i)[id]! - logit)).toBeLessThan(tolerance)
    expect(Math.abs(logSumExp(row(i)) - sum)).toBeLessThan(tolerance)
    if (gap > 10 * tolerance) expect(largestIndex(row(i))).toBe(id)
  }
  for (const [i, id] of prompt.greedy.entries()) {
    if (prompt.gaps[i]! > 10 * tolerance) expect(largestIndex(row(last + i))).toBe(id)
  }
}

/** How far logits are from the golden's, over what it stores: root mean square and largest difference. */
export function goldenDistance(
  prompt: GoldenPrompt,
  row: (position: number) => ArrayLike<number>,
): { rms: number; max: number } {
  const last = row(prompt.ids.length - 1)
  const off = [
    ...prompt.positions.map(([id, logit], i) => row(i)[id]! - logit),
    ...prompt.top_ids.map((id, i) => last[id]! - prompt.top_logits[i]!),
  ]
  return {
    rms: Math.sqrt(off.reduce((sum, value) => sum + value * value, 0) / off.length),
    max: Math.max(...off.map(Math.abs)),
  }
}

function logSumExp(row: ArrayLike<number>): number {
  const values = Array.from(row)
  const top = Math.max(...values)
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0))
}

function largestIndex(row: ArrayLike<number>): number {
  const values = Array.from(row)
  return values.indexOf(Math.max(...values))
}
