import CliTable from 'cli-table3'
import pc from 'picocolors'
import type { Surroundings } from './command.js'

const none = Object.fromEntries(
  ['top', 'bottom', 'mid', 'left', 'right']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((name) => [name, '']),
)

/** Rows in aligned columns without lines, as text that ends with a newline; `right` are columns of numbers. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const table = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => [...row]))
  const lines = table.toString().split('\n')
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** Colours on a terminal that wants them, none elsewhere. */
export const coloursOf = ({ stdout, environment }: Pick<Surroundings, 'stdout' | 'environment'>) =>
  pc.createColors(stdout.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb')
