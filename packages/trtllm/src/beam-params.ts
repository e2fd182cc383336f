import type { EngineRequest } from '@trtllm/runtime'
import { refuse } from './sampling-kinds.js'
import type { SamplingParams } from './sampling-params.js'

/** TensorRT-LLM's numbers for when a search ends. */
const earlyStoppings = ['heuristic', 'full', 'never'] as const

const searchOnly = ['beamWidthArray', 'lengthPenalty', 'earlyStopping', 'beamSearchDiversityRate'] as const

/** The engine's search of checked parameters; undefined where none is asked for. @throws TrtllmError out_of_range. */
export function beamsOf(params: SamplingParams, n: number, bestOf: number): EngineRequest['beams'] {
  const { useBeamSearch = false, beamWidthArray, lengthPenalty = 0, earlyStopping = 1 } = params
  if (!useBeamSearch) {
    const lost = searchOnly.find((name) => params[name] !== undefined)
    if (lost) refuse('invalid_request', lost, 'needs useBeamSearch to be true')
    if (bestOf > n) refuse('unsupported', 'bestOf', 'above n needs useBeamSearch to be true')
    return undefined
  }
  const stopping = earlyStoppings[earlyStopping]
  if (stopping === undefined)
    refuse('out_of_range', 'earlyStopping', `is ${earlyStopping}, expected 0, 1 or 2`)
  return {
    width: bestOf,
    count: n,
    lengthPenalty,
    earlyStopping: stopping,
    diversityRate: params.beamSearchDiversityRate ?? 0,
    ...(beamWidthArray && beamWidthArray.length > 0 && { widths: beamWidthArray }),
  }
}
