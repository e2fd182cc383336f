import { leastShare } from '../kernels/kernels-report.js'
import { type Bar, barChart } from './bar-chart.js'
import type { CellResult, FoundResults, KernelsResult } from './found-results.js'

/** Files by name: one page, and the charts that it shows. */
export type RenderedFiles = ReadonlyMap<string, string>

/** Renders what a file of results has as `<name>.md` with its charts beside it. */
export function renderResults(name: string, { cells, kernels, notes }: FoundResults): RenderedFiles {
  const files = new Map<string, string>()
  const page = [
    `# ${name}`,
    '',
    `Made by \`trtllm bench report\` from \`${name}.json\`.`,
    '',
    ...notes.flatMap((note) => [note, '']),
  ]
  const chart = (file: string, title: string, bars: readonly Bar[]) => {
    files.set(file, barChart(title, bars, 1))
    page.push(`![${title}](${file})`, '')
  }
  if (cells.length > 0) {
    page.push('## Requests', '')
    const bounded = cells.filter(({ roofline }) => roofline)
    if (bounded.length > 0) chart(`${name}.svg`, 'share of the bound of each cell', bounded.map(cellBar))
    page.push(...cellTable(cells), '', ...commands(cells), '')
  }
  for (const result of kernels) {
    page.push(`## Kernels: ${result.name}`, '', `\`${result.command}\``, '', machineOf(result), '')
    for (const [index, { title, calls }] of result.steps.entries()) {
      page.push(`### ${title}`, '')
      const bars = calls.map(({ op, shape, share_of_bound: share }) => ({
        ...{ label: `${op} ${shape}`.slice(0, 58), value: share, text: `${percent(share)} of the bound` },
      }))
      chart(`${name}-${result.name}-${index}.svg`, title, bars)
      page.push(...kernelTable(calls), '')
    }
  }
  return files.set(`${name}.md`, `${page.join('\n').trimEnd()}\n`)
}

const cellLabel = ({ engine, request_info: info }: CellResult): string => {
  const parts = [engine.model ?? '', engine.quantization === 'none' ? '' : (engine.quantization ?? '')]
  const kv = engine.kv_cache_dtype === undefined ? '' : `KV ${engine.kv_cache_dtype}`
  const shape = `${info.num_requests} x (${info.avg_input_length} + ${info.avg_output_length})`
  return [...parts, kv, shape].filter((part) => part !== '').join(', ')
}

const cellBar = (cell: CellResult): Bar => {
  const share = cell.roofline!.share_of_bound
  const rate = Math.round(cell.performance.system_output_throughput_tok_s)
  return { label: cellLabel(cell), value: share, text: `${percent(share)}, ${rate} tokens/s` }
}

function cellTable(cells: readonly CellResult[]): string[] {
  return table(
    [
      'run',
      'commit',
      'cell',
      'output tokens/s',
      'bound',
      'share',
      'first token, ms',
      'per token, ms',
      'machine',
    ],
    cells.map((cell) => {
      const { performance, streaming_metrics: streaming, roofline } = cell
      return [
        cell.name,
        cell.commit ?? '',
        cellLabel(cell),
        performance.system_output_throughput_tok_s.toFixed(1),
        roofline ? roofline.bound_output_throughput_tok_s.toFixed(1) : '',
        roofline ? percent(roofline.share_of_bound) : '',
        streaming.avg_ttft_ms.toFixed(1),
        streaming.avg_tpot_ms.toFixed(2),
        machineOf(cell),
      ]
    }),
  )
}

function kernelTable(calls: KernelsResult['steps'][number]['calls']): string[] {
  return table(
    ['op', 'shape', 'calls', 'us', 'GB/s', 'TFLOP/s', 'share of bound', 'kernel'],
    calls.map((call) => [
      ...[call.op, call.shape, String(call.calls), call.us.toFixed(1), call.gb_per_s.toFixed(0)],
      call.tflop_per_s.toFixed(1),
      `${percent(call.share_of_bound)} ${call.bound_by}${call.share_of_bound < leastShare ? ' (low)' : ''}`,
      call.kernel,
    ]),
  )
}

function commands(cells: readonly CellResult[]): string[] {
  return ['```sh', ...new Set(cells.map(({ command }) => command)), '```']
}

/** GPU with its clock, or the processor. */
function machineOf({ machine }: { readonly machine: Readonly<Record<string, unknown>> }): string {
  const name = String(machine.name ?? machine.cpu ?? 'unknown')
  const clock = machine['clocks.sm']
  if (clock === undefined) return name
  const median = typeof clock === 'object' ? (clock as { median: number }).median : clock
  return `${name}, ${String(median).replace(/ MHz$/, '')} MHz`
}

/** A table whose columns are aligned, as formatters leave them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const rule = line(widths.map((width) => '-'.repeat(width)))
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)]
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
