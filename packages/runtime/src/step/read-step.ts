import type { EngineModel } from '../compiled-model.js'
import type { PromptPart } from '../outbox.js'
import type { TokenLogprobs } from '../request.js'
import type { Work } from '../scheduler/batch.js'
import type { Sequence } from '../scheduler/sequence.js'
import type { Flight } from './pipeline.js'
import { rowPosition, type SlotSetup } from './step-builder.js'
import type { WantedLogits } from './step-executor.js'
import { StepResults } from './step-results.js'

/** What a finished step brought for one sequence. */
export interface SequenceResult {
  readonly sequence: Sequence
  readonly prompt?: PromptPart
  /** Sampled id as the device wrote it; absent when nothing was sampled. */
  readonly token?: number
  readonly logprobs?: TokenLogprobs
  /** Logits of the last position, f32[vocab], where they were wanted. */
  readonly logits?: Float32Array
}

/** Reads a finished step sequence by sequence. */
export function* readStep(
  flight: Flight,
  model: EngineModel,
  words: Int32Array,
  setupOf: (sequence: Sequence) => SlotSetup,
): Generator<SequenceResult> {
  const results = new StepResults(model.layout, words)
  const wanted = [...(flight.call.logits ?? [])]
  let row = 0
  for (const work of flight.step.work) {
    const { sequence, contextRows, samples, rows } = work
    const last = row + rows - 1
    const setup = setupOf(sequence)
    const { numLogprobs } = setup
    const prompt =
      contextRows > 0 ? promptPart(work, row, setup, model.vocabSize, results, wanted) : undefined
    const hasLogits = samples && wanted[0]?.firstRow === last
    yield {
      sequence,
      ...(prompt && { prompt }),
      ...(samples && { token: results.token(last) }),
      ...(samples && numLogprobs !== undefined && { logprobs: results.logprobs(last, numLogprobs) }),
      ...(hasLogits && { logits: wanted.shift()!.into }),
    }
    row += rows
  }
}

/** What the context rows of a piece of work tell, which begin at `firstRow`. */
function promptPart(
  work: Work,
  firstRow: number,
  { promptLogits, numPromptLogprobs: numTop }: SlotSetup,
  vocab: number,
  results: StepResults,
  wanted: WantedLogits[],
): PromptPart {
  const { contextRows: rows, sequence } = work
  const firstPosition = rowPosition(work, 0)
  // Behind the last prompt token stands no other: its row is the one that samples.
  const scored = Math.min(rows, sequence.promptIds.length - 1 - firstPosition)
  return {
    ...(promptLogits && {
      contextLogits: { firstPosition, rows, vocab, values: wanted.shift()!.into },
    }),
    ...(numTop !== undefined &&
      scored > 0 && { promptLogprobs: results.promptLogprobs(firstRow, scored, firstPosition + 1, numTop) }),
  }
}
