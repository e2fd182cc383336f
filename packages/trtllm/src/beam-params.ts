import { maxLogprobs } from '@trtllm/kernels'
import type { EngineRequest } from '@trtllm/runtime'
import { refuse } from './sampling-kinds.js'
import type { SamplingParams } from './sampling-params.js'

/** TensorRT-LLM's numbers for when a search ends. */
const earlyStoppings = ['heuristic', 'full', 'never'] as const

const searchOnly = ['beamWidthArray', 'lengthPenalty', 'earlyStopping', 'beamSearchDiversityRate'] as const

/**
 * The engine's search of parameters of the right types; undefined where none is asked for. A row lists so many candidates
 * that beams and end ids are bounded together. @throws TrtllmError out_of_range or invalid_request.
 */
export function beamsOf(
  params: SamplingParams,
  n: number,
  bestOf: number,
  numEndIds: number,
): EngineRequest['beams'] {
  const { useBeamSearch = false, beamWidthArray = [], lengthPenalty = 0, earlyStopping = 1 } = params
  if (!useBeamSearch) {
    const lost = searchOnly.find((name) => params[name] !== undefined)
    if (lost) refuse('invalid_request', lost, 'needs useBeamSearch to be true')
    return undefined
  }
  const most = maxLogprobs - numEndIds
  if (bestOf > most)
    refuse(
      'out_of_range',
      params.bestOf ? 'bestOf' : 'n',
      `is ${bestOf}, at most ${most} beams fit beside ${numEndIds} end ids`,
    )
  for (const width of beamWidthArray) {
    if (!Number.isInteger(width) || width < 1 || width > bestOf)
      refuse('out_of_range', 'beamWidthArray', `has ${width}, expected whole numbers of 1..${bestOf}`)
  }
  const diversityRate = params.beamSearchDiversityRate ?? 0
  for (const [name, value] of [
    ['lengthPenalty', lengthPenalty],
    ['beamSearchDiversityRate', diversityRate],
  ] as const) {
    if (!(Math.abs(value) <= 100)) refuse('out_of_range', name, `is ${value}, expected a number of -100..100`)
  }
  const stopping = earlyStoppings[earlyStopping]
  if (stopping === undefined)
    refuse('out_of_range', 'earlyStopping', `is ${earlyStopping}, expected 0, 1 or 2`)
  return {
    width: bestOf,
    count: n,
    lengthPenalty,
    earlyStopping: stopping,
    diversityRate,
    ...(beamWidthArray.length > 0 && { widths: beamWidthArray }),
  }
}
