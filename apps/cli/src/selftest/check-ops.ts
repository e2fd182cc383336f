import { type Device, ops as everyOp, type OpSchema, runParity } from '@trtllm/kernels'

/** How the cases of one op went. */
export interface OpReport {
  readonly op: string
  readonly cases: number
  /** Largest error of a case as a share of its tolerance; above 1 it fails. Null where nothing is computed. */
  readonly worstShare: number | null
  /** Largest error, relative to max(1, |reference|). */
  readonly worstError: number | null
  /** Of device and reference together. */
  readonly ms: number
  readonly failures: readonly string[]
}

/** Ops whose names match, in the order of their declaration. */
export const opsMatching = (filter: RegExp | undefined): OpSchema[] =>
  (Object.values(everyOp) as OpSchema[]).filter(({ name }) => filter?.test(name) ?? true)

/**
 * Runs every case of the ops on a device and on a reference and compares. The null device computes nothing: there a
 * case only has to be accepted.
 */
export async function* checkOps(
  device: Device,
  reference: Device,
  ops: readonly OpSchema[],
): AsyncGenerator<OpReport> {
  const isComputed = device.kind !== 'null'
  for (const schema of ops) {
    const startMs = performance.now()
    const rows = await runParity(device, reference, [schema])
    const worst = (values: number[]) => (isComputed ? Math.max(0, ...values) : null)
    yield {
      op: schema.name,
      cases: rows.length,
      worstShare: worst(rows.map(({ maxError, tolerance }) => shareOf(maxError, tolerance))),
      worstError: worst(rows.map(({ maxError }) => maxError)),
      ms: performance.now() - startMs,
      failures: rows
        .filter(({ ok, error }) => (isComputed ? !ok : error !== undefined))
        .map(
          (row) =>
            `${row.case}: ${row.error ?? `error ${row.maxError.toExponential(2)}, tolerance ${row.tolerance}`}`,
        ),
    }
  }
}

const shareOf = (error: number, tolerance: number): number =>
  tolerance > 0 ? error / tolerance : error === 0 ? 0 : Infinity
