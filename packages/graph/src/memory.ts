import { type CachePool, poolPageBytes } from './cache-layout.js'
import { pageTokens } from './step-layout.js'

/** What a plan takes of a device's memory. Kernels' workspace comes on top; the native plan reports it. */
export interface PlanMemory {
  readonly weightsBytes: number
  /** Intermediate values of the largest step. */
  readonly arenaBytes: number
  /** Bytes alive at the busiest node of a step, e.g. `24576*tokens + 4096*rows`. */
  readonly arenaFormula: string
  /** What sequences keep between steps besides their KV pages. */
  readonly stateBytes: number
  /** One step's inputs and results. */
  readonly stepBytes: number
  readonly kvBytesPerToken: number
}

/** Bytes that do not depend on how much is cached. */
export const fixedBytes = ({ weightsBytes, arenaBytes, stateBytes, stepBytes }: PlanMemory): number =>
  weightsBytes + arenaBytes + stateBytes + stepBytes

/**
 * Tokens whose keys and values fit in `memoryBytes` beside everything else, in whole pages; every pool is given the
 * same number of them. 0 if not even the rest fits.
 */
export function tokensThatFit(
  { memory, pools }: { readonly memory: PlanMemory; readonly pools: readonly CachePool[] },
  memoryBytes: number,
): number {
  const bytesPerPage = pools.reduce((bytes, pool) => bytes + poolPageBytes(pool), 0)
  if (bytesPerPage === 0) return 0
  return Math.max(0, Math.floor((memoryBytes - fixedBytes(memory)) / bytesPerPage)) * pageTokens
}
