import type { Surroundings } from '../command.js'
import { coloursOf, textTable } from '../table.js'
import type { Check } from './check.js'
import type { OpReport } from './check-ops.js'

/** All that a selftest found. */
export interface SelftestReport {
  readonly device: string
  readonly ops: readonly OpReport[]
  readonly checks: readonly Check[]
}

/** The report for people: a row an op and a check, then what failed. */
export function reportText(
  report: SelftestReport,
  surroundings: Pick<Surroundings, 'stdout' | 'environment'>,
): string {
  const { device, ops, checks } = report
  const colours = coloursOf(surroundings)
  const verdict = (failed: boolean) => (failed ? colours.red('FAIL') : colours.green('ok'))
  const parts = [`${device}\n`]
  if (ops.length > 0) {
    const rows = ops.map(({ op, cases, worstError, worstShare, ms, failures }) => [
      op,
      String(cases),
      worstError === null ? '-' : scientific(worstError),
      worstShare === null ? '-' : Number.isFinite(worstShare) ? `${(100 * worstShare).toFixed(0)} %` : 'all',
      ms.toFixed(1),
      verdict(failures.length > 0),
    ])
    parts.push(textTable(['op', 'cases', 'worst error', 'of tolerance', 'ms', ''], rows, [1, 2, 3, 4]))
  }
  if (checks.length > 0) {
    const rows = checks.map(({ name, detail, ms, failure }) => [
      name,
      detail,
      ms.toFixed(0),
      verdict(failure !== undefined),
    ])
    parts.push(textTable(['check', 'seen', 'ms', ''], rows, [2]))
  }
  const failures = [
    ...ops.flatMap(({ op, failures }) => failures.map((failure) => `${op}: ${failure}`)),
    ...checks.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name}: ${failure}`])),
  ]
  const cases = ops.reduce((sum, op) => sum + op.cases, 0)
  const counts = `${ops.length} ops, ${cases} cases, ${checks.length} checks`
  parts.push(
    failures.length === 0
      ? `${counts}: all passed\n`
      : `${failures.map((failure) => `FAIL ${failure}`).join('\n')}\n${counts}: ${failures.length} failed\n`,
  )
  return parts.join('\n')
}

const scientific = (value: number): string => (value === 0 ? '0' : value.toExponential(1))
