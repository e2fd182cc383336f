import type { KernelRow } from '../kernels/kernels-report.js'

/** A run of `bench throughput`, `latency` or `serve`, as far as its report is looked at. */
export interface CellResult {
  readonly name: string
  readonly commit?: string
  readonly command: string
  readonly engine: {
    readonly model?: string
    readonly quantization?: string
    readonly kv_cache_dtype?: string
  }
  readonly machine: Readonly<Record<string, unknown>>
  readonly request_info: {
    readonly num_requests: number
    readonly avg_input_length: number
    readonly avg_output_length: number
  }
  readonly performance: { readonly system_output_throughput_tok_s: number }
  readonly streaming_metrics: { readonly avg_ttft_ms: number; readonly avg_tpot_ms: number }
  readonly roofline?: { readonly share_of_bound: number; readonly bound_output_throughput_tok_s: number }
}

/** A run of `bench kernels`. */
export interface KernelsResult {
  readonly name: string
  readonly command: string
  readonly machine: Readonly<Record<string, unknown>>
  readonly steps: readonly { readonly title: string; readonly calls: readonly KernelRow[] }[]
}

/** What a file of results has, at whatever depth: files gather runs in lists and under names. */
export interface FoundResults {
  readonly cells: CellResult[]
  readonly kernels: KernelsResult[]
  /** What was written beside them. */
  readonly notes: string[]
}

/** Finds reports by their keys. One that lies in a list is called `name`. */
export function findResults(value: unknown, name: string): FoundResults {
  const found: FoundResults = { cells: [], kernels: [], notes: [] }
  collect(value, name, found, undefined)
  return found
}

function collect(value: unknown, name: string, found: FoundResults, commit: string | undefined): void {
  if (typeof value !== 'object' || value === null) return
  const own = 'commit' in value && typeof value.commit === 'string' ? value.commit : commit
  const named = { name, ...(own !== undefined && { commit: own.slice(0, 7) }) }
  if (isCell(value)) found.cells.push({ ...value, ...named })
  else if (isKernels(value)) found.kernels.push({ ...value, ...named })
  else if (Array.isArray(value)) for (const each of value) collect(each, name, found, own)
  else {
    if ('notes' in value && Array.isArray(value.notes)) found.notes.push(...value.notes.map(String))
    for (const [key, each] of Object.entries(value)) collect(each, key === 'cells' ? '' : key, found, own)
  }
}

const isCell = (value: object): value is CellResult =>
  'performance' in value && 'request_info' in value && 'streaming_metrics' in value

const isKernels = (value: object): value is KernelsResult =>
  'steps' in value && Array.isArray(value.steps) && value.steps.every((step) => Array.isArray(step?.calls))
