import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

const gpuFields = [
  'name',
  'driver_version',
  'compute_cap',
  'memory.total',
  'memory.used',
  'clocks.current.sm',
  'clocks.current.memory',
  'clocks.max.sm',
  'clocks.max.memory',
  'power.limit',
  'power.draw',
  'temperature.gpu',
  'persistence_mode',
  'ecc.mode.current',
]

/** Everything a number depends on: GPUs with driver, clocks and power limit; processor, memory, kernel. */
export function machine() {
  const [cpu] = cpus()
  return {
    gpus: gpus(),
    cpu: cpu?.model ?? 'unknown',
    cpuThreads: cpus().length,
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    kernel: release(),
    glibc: process.report.getReport().header.glibcVersionRuntime ?? null,
  }
}

/** One object per GPU, keys as nvidia-smi names them; empty where it is missing. */
function gpus() {
  const { status, stdout } = spawnSync('nvidia-smi', [`--query-gpu=${gpuFields}`, '--format=csv,noheader'], {
    encoding: 'utf8',
  })
  if (status !== 0) return []
  const rows = stdout.trim().split('\n').filter(Boolean)
  return rows.map((row) => {
    const values = row.split(', ')
    return Object.fromEntries(gpuFields.map((field, i) => [field, values[i]?.trim()]))
  })
}
