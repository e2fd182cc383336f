import { noBatchWait, type SchedulerLimits } from '../scheduler/budget.js'

/** Small limits for tests of the scheduler: pages of 4 tokens, one pool, defaults elsewhere. */
export function schedulerLimits(overrides: Partial<SchedulerLimits> = {}): SchedulerLimits {
  const numPools = overrides.numPools ?? 1
  return {
    maxBatchSize: 4,
    maxNumTokens: 16,
    maxRows: 8,
    maxDeltas: 64,
    maxDeltaWords: 256,
    pageTokens: 4,
    numPools,
    windows: new Array<number>(numPools).fill(0),
    maxInFlightSteps: 2,
    policy: 'RESERVE_AND_GROW',
    chunking: 'FIRST_COME_FIRST_SERVED',
    batchWait: noBatchWait,
    prefixAware: true,
    reserveTokens: 8,
    ...overrides,
  }
}
