import { textTable } from '../../table.js'
import { percentilesOf } from '../percentiles.js'
import type { HostRun } from './host-bench.js'
import { phases } from './phase-times.js'

const round = (value: number): number => Number(value.toFixed(2))

/** A batch's costs, in microseconds a step. */
export function hostCosts({ batch, steps, wall, turns, device, idle, phases: times }: HostRun) {
  const { p50, p99 } = percentilesOf(turns)
  const total = phases.reduce((sum, phase) => sum + times[phase], 0)
  return {
    batch,
    steps,
    host_us_per_step: {
      ...Object.fromEntries(phases.map((phase) => [phase, round(times[phase] / steps)])),
      total: round(total / steps),
      p50: round(p50),
      p99: round(p99),
    } as Record<(typeof phases)[number] | 'total' | 'p50' | 'p99', number>,
    wall_us_per_step: round(wall),
    device_us_per_step: round(device),
    exposed_us_per_step: { average: round(idle.average), p50: round(idle.p50), p99: round(idle.p99) },
  }
}

export type HostCosts = ReturnType<typeof hostCosts>

/** As people read it. */
export function hostLines(rows: readonly HostCosts[]): string {
  const head = ['batch', ...phases, 'host us', 'p99', 'wall us', 'device us', 'exposed us', 'p99']
  const lines = rows.map((row) => {
    const { host_us_per_step: host, exposed_us_per_step: exposed } = row
    const own = [...phases.map((phase) => host[phase]), host.total, host.p99]
    const all = [
      row.batch,
      ...own,
      row.wall_us_per_step,
      row.device_us_per_step,
      exposed.average,
      exposed.p99,
    ]
    return all.map((value, column) => (column === 0 ? String(value) : value.toFixed(1)))
  })
  return textTable(
    head,
    lines,
    head.map((_, column) => column),
  )
}
