import { textTable } from '../table.js'
import { type Comparison, offenders, summarize } from './compare-logits.js'

/** Offenders a table shows at most. */
const shownOffenders = 20

/** The outcome of comparing a golden as text: how many numbers, how near, and which lie beyond their tolerance. */
export function logitsText(compared: readonly Comparison[], subject: string): string {
  const title = `${subject}: compared ${compared.length} numbers`
  if (compared.length === 0) return `${title}; the golden stores none, so nothing was shown\n`
  const kinds = textTable(
    ['kind', 'compared', 'beyond', 'nearest to its tolerance', 'expected', 'found', 'difference', 'allowed'],
    summarize(compared).map(({ kind, compared: count, beyond, worst }) => [
      ...[kind, String(count), String(beyond), placeOf(worst)],
      ...numbersOf(worst),
    ]),
    [1, 2, 4, 5, 6, 7],
  )
  const wrong = offenders(compared)
  if (wrong.length === 0) return `${title}\n${kinds}all within their tolerances\n`
  const shown = wrong.slice(0, shownOffenders)
  const which = shown.length < wrong.length ? `, the worst ${shown.length} of them` : ''
  const worst = textTable(
    ['prompt', 'number', 'expected', 'found', 'difference', 'allowed'],
    shown.map((one) => [one.prompt, `${one.kind} ${one.which}`.trim(), ...numbersOf(one)]),
    [2, 3, 4, 5],
  )
  return `${title}\n${kinds}\n${wrong.length} beyond their tolerances${which}:\n${worst}`
}

const placeOf = ({ prompt, which }: Comparison): string => `${prompt} ${which}`.trim()

const numbersOf = ({ expected, found, difference, allowed }: Comparison): string[] => [
  ...[expected, found].map((value) => (Number.isInteger(value) ? String(value) : value.toFixed(6))),
  ...[difference, allowed].map((value) => (value === 0 ? '0' : value.toExponential(2))),
]
