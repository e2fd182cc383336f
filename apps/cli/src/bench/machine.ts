import { cpus, totalmem } from 'node:os'

/** The host: what a figure of the CPU backend depends on. */
export const hostFacts = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cpu_threads: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
})

/** A machine as people read it: a spread is its least and its largest value. */
export function machineLine(machine: object): string {
  return Object.entries(machine)
    .map(([key, value]) => {
      if (typeof value !== 'object' || value === null)
        return key === 'samples' ? `${value} samples` : `${value}`
      const { minimum, maximum } = value as { minimum: number; maximum: number }
      return `${key} ${minimum === maximum ? minimum : `${minimum} to ${maximum}`}`
    })
    .join(', ')
}
