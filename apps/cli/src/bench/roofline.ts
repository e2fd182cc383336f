import type { ModelWork } from './model-work.js'

/** What a device can do at best: bytes and operations a second. */
export interface RooflineConstants {
  readonly copyBytesPerS: number
  /** Matrix products in the model's float type, and in fp8 where the device has it. */
  readonly floatFlopsPerS: number
  readonly f8FlopsPerS: number
}

/** A finite workload of equal requests. */
export interface RooflineCell {
  readonly requests: number
  readonly isl: number
  readonly osl: number
  /** Sequences that run at once, at most. */
  readonly maxBatchSize: number
  readonly maxNumTokens: number
}

/** The least time a device needs for a cell. */
export interface RooflineBound {
  readonly seconds: number
  readonly outputTokPerS: number
  readonly steps: number
}

/** Sequences that decode in lockstep. */
interface Cohort {
  readonly count: number
  left: number
  context: number
}

/**
 * Simulates a cell step by step, as an engine would run it, ramp and tail included: decode rows first, prompts fill the
 * rest of the step. The time of a step is a sum: of the longer of arithmetic and bytes for linears and for the last linear
 * each, of the bytes of keys and values that decoding sequences read, and of the arithmetic of the prompts' attention. What
 * does not overlap these parts cannot be faster.
 */
export function rooflineBound(
  work: ModelWork,
  cell: RooflineCell,
  constants: RooflineConstants,
): RooflineBound {
  const { copyBytesPerS, floatFlopsPerS } = constants
  const linearFlopsPerS = work.linearsAreF8 ? constants.f8FlopsPerS : floatFlopsPerS
  const attentionFlopsPerS = work.attentionIsF8 ? constants.f8FlopsPerS : floatFlopsPerS
  const cohorts: Cohort[] = []
  let [waiting, running, partial, seconds, steps] = [cell.requests, 0, 0, 0, 0]
  while (waiting > 0 || running > 0) {
    const contexts = cohorts.reduce((sum, { count, context }) => sum + count * context, 0)
    const decoding = running
    let [room, admitted, prompts, pairs] = [Math.max(0, cell.maxNumTokens - decoding), 0, 0, 0]
    while (room > 0 && waiting > admitted && decoding + admitted < cell.maxBatchSize) {
      const taken = Math.min(cell.isl - partial, room)
      pairs += taken * partial + (taken * taken) / 2
      prompts += taken
      room -= taken
      partial += taken
      if (partial < cell.isl) continue
      admitted++
      partial = 0
    }
    const tokens = decoding + prompts
    seconds +=
      Math.max((work.linearFlops * tokens) / linearFlopsPerS, work.linearBytes / copyBytesPerS) +
      Math.max((work.headFlops * (decoding + admitted)) / floatFlopsPerS, work.headBytes / copyBytesPerS) +
      (contexts * work.kvBytesPerToken) / copyBytesPerS +
      (pairs * work.attentionFlops) / attentionFlopsPerS
    steps++
    for (const cohort of cohorts) {
      cohort.left--
      cohort.context++
      if (cohort.left === 0) running -= cohort.count
    }
    while (cohorts[0]?.left === 0) cohorts.shift()
    waiting -= admitted
    if (admitted > 0 && cell.osl > 1) {
      cohorts.push({ count: admitted, left: cell.osl - 1, context: cell.isl + 1 })
      running += admitted
    }
  }
  return { seconds, outputTokPerS: (cell.requests * cell.osl) / seconds, steps }
}
