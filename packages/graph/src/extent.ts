import { type Dim, type StepSymbol, stepSymbols } from './dim.js'
import type { StepLimits } from './step-layout.js'

/** A number that is affine in the sizes of a step; the native side computes with the same four. */
export interface Extent {
  readonly constant: number
  readonly tokens: number
  readonly rows: number
  readonly seqs: number
}

const terms = [...stepSymbols, 'constant'] as const

/** Sizes a step has at most. */
export type StepSizes = Readonly<Record<StepSymbol, number>>

export const largestStep = ({ maxTokens, maxRows, maxSeqs }: StepLimits): StepSizes => ({
  tokens: maxTokens,
  rows: maxRows,
  seqs: maxSeqs,
})

export const noExtent: Extent = { constant: 0, tokens: 0, rows: 0, seqs: 0 }

export const extentOf = (dim: Dim): Extent => ({
  constant: dim.constant,
  tokens: dim.coefficient('tokens'),
  rows: dim.coefficient('rows'),
  seqs: dim.coefficient('seqs'),
})

export const scaled = (extent: Extent, factor: number): Extent => ({
  constant: extent.constant * factor,
  tokens: extent.tokens * factor,
  rows: extent.rows * factor,
  seqs: extent.seqs * factor,
})

export const sum = (a: Extent, b: Extent): Extent => ({
  constant: a.constant + b.constant,
  tokens: a.tokens + b.tokens,
  rows: a.rows + b.rows,
  seqs: a.seqs + b.seqs,
})

export const extentAt = (extent: Extent, sizes: StepSizes): number =>
  extent.constant + extent.tokens * sizes.tokens + extent.rows * sizes.rows + extent.seqs * sizes.seqs

/** Whether `a` is at least `b` in every step. */
export const covers = (a: Extent, b: Extent): boolean => terms.every((term) => a[term] >= b[term])

/** `24576*tokens + 4096*rows` */
export function extentText(extent: Extent): string {
  const parts = stepSymbols
    .filter((symbol) => extent[symbol] !== 0)
    .map((symbol) => (extent[symbol] === 1 ? symbol : `${extent[symbol]}*${symbol}`))
  if (extent.constant !== 0 || parts.length === 0) parts.push(String(extent.constant))
  return parts.join(' + ')
}
