import { textTable } from '../../table.js'
import type { RooflineConstants } from '../roofline.js'
import type { CallGroup } from './call-groups.js'

/** Below this share of its bound a kernel has to say why, in docs/kernels/. */
export const leastShare = 0.7

/** What the device can do at best, and what it takes for a kernel that finds nothing to do. */
export interface KernelConstants extends RooflineConstants {
  readonly leastKernelS: number
}

/** The calls of one kind in a step. */
export interface KernelRow {
  readonly op: string
  readonly kernel: string
  readonly shape: string
  readonly calls: number
  readonly us: number
  readonly gb_per_s: number
  readonly tflop_per_s: number
  readonly bound_us: number
  /** Which bound that is. */
  readonly bound_by: 'memory' | 'arithmetic' | 'launch'
  readonly share_of_bound: number
}

/** Sets what a call took against the longest of its memory, its arithmetic and its launch. */
export function kernelRow(
  { op, shape, nodes, cost, productsAreF8 }: CallGroup,
  { seconds, kernel }: { readonly seconds: number; readonly kernel: string },
  constants: KernelConstants,
): KernelRow {
  const flopsPerS = productsAreF8 ? constants.f8FlopsPerS : constants.floatFlopsPerS
  const bounds = [
    ['memory', cost.bytes / constants.copyBytesPerS],
    ['arithmetic', cost.flops / flopsPerS],
    ['launch', constants.leastKernelS],
  ] as const
  const [boundBy, bound] = bounds.reduce((longest, each) => (each[1] > longest[1] ? each : longest))
  return {
    ...{ op, kernel, shape, calls: nodes.length },
    us: rounded(1e6 * seconds),
    gb_per_s: rounded(cost.bytes / seconds / 1e9),
    tflop_per_s: rounded(cost.flops / seconds / 1e12),
    bound_us: rounded(1e6 * bound),
    bound_by: boundBy,
    share_of_bound: rounded(bound / seconds),
  }
}

/** A step as people read it: calls that take most of it first, then those far from their bound. */
export function kernelLines(title: string, rows: readonly KernelRow[]): string {
  const total = (of: (row: KernelRow) => number) => rows.reduce((sum, row) => sum + row.calls * of(row), 0)
  const all = total(({ us }) => us)
  const sorted = [...rows].sort((a, b) => b.calls * b.us - a.calls * a.us)
  const table = textTable(
    ['op', 'shape', 'calls', 'us', 'GB/s', 'TFLOP/s', '% of bound', '% of step', 'bound'],
    sorted.map((row) => [
      ...[row.op, row.shape, String(row.calls), row.us.toFixed(1), row.gb_per_s.toFixed(0)],
      ...[row.tflop_per_s.toFixed(1), percent(row.share_of_bound), percent((row.calls * row.us) / all)],
      row.bound_by,
    ]),
    [2, 3, 4, 5, 6, 7],
  )
  const low = sorted.filter((row) => row.share_of_bound < leastShare)
  const listed = low.map(
    ({ op, shape, kernel, share_of_bound: share }) => `  ${op} ${shape}: ${percent(share)} %, ${kernel}`,
  )
  const sum = `${title}: ${all.toFixed(0)} us of kernels, bound ${total(({ bound_us }) => bound_us).toFixed(0)} us`
  return [
    sum,
    table.trimEnd(),
    ...(low.length > 0 ? [`under ${100 * leastShare} % of the bound:`, ...listed] : []),
    '',
  ].join('\n')
}

const rounded = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(5)) : 0)
const percent = (share: number): string => (100 * share).toFixed(1)
