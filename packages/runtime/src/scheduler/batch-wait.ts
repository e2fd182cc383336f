import type { SchedulerLimits } from './budget.js'

/** What decides whether prompts are let in now or wait for a fuller batch. */
export interface WaitState {
  readonly numWaiting: number
  /** Tokens of the waiting prompts, and rows that decode anyway. */
  readonly waitingTokens: number
  readonly decodingTokens: number
  readonly freeSlots: number
  /** Milliseconds and steps that prompts have been kept waiting for this. */
  readonly heldMs: number
  readonly heldSteps: number
}

/** Whether prompts that could come in are kept waiting: the batch is not worth it yet and no timeout has passed. */
export function keepsWaiting(state: WaitState, { batchWait, maxNumTokens }: SchedulerLimits): boolean {
  const { timeoutMs, timeoutIters, maxTokensRatio } = batchWait
  if (state.numWaiting === 0 || (timeoutMs === 0 && timeoutIters === 0)) return false
  const isFull =
    state.numWaiting >= state.freeSlots ||
    state.waitingTokens + state.decodingTokens >= maxTokensRatio * maxNumTokens
  if (isFull) return false
  const waitsSteps = state.decodingTokens > 0 && state.heldSteps < timeoutIters
  return waitsSteps || state.heldMs < timeoutMs
}
