import type { EngineModel } from '../compiled-model.js'
import type { ContextLogits, TokenLogprobs } from '../request.js'
import type { Sequence } from '../scheduler/sequence.js'
import type { Flight } from './pipeline.js'
import { rowPosition } from './step-builder.js'
import { StepResults } from './step-results.js'

/** What a finished step brought for one sequence. */
export interface SequenceResult {
  readonly sequence: Sequence
  readonly contextLogits?: ContextLogits
  /** Sampled id as the device wrote it; absent when nothing was sampled. */
  readonly token?: number
  readonly logprobs?: TokenLogprobs
}

/** Reads a finished step sequence by sequence; `numLogprobs` says how many candidates a sequence asked for. */
export function* readStep(
  flight: Flight,
  model: EngineModel,
  words: Int32Array,
  numLogprobs: (sequence: Sequence) => number | undefined,
): Generator<SequenceResult> {
  const results = new StepResults(model.layout, words)
  const { logits } = flight.call
  const vocab = model.vocabSize
  let row = 0
  for (const work of flight.step.work) {
    const { sequence, contextRows, samples, rows } = work
    const last = row + rows - 1
    const wanted = samples ? numLogprobs(sequence) : undefined
    yield {
      sequence,
      ...(contextRows > 0 &&
        logits && {
          contextLogits: {
            firstPosition: rowPosition(work, 0),
            rows: contextRows,
            vocab,
            values: logits.slice(row * vocab, (row + contextRows) * vocab),
          },
        }),
      ...(samples && { token: results.token(last) }),
      ...(wanted !== undefined && { logprobs: results.logprobs(last, wanted) }),
    }
    row += rows
  }
}
