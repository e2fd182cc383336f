import type { Answer } from '../request.js'
import type { Sequence } from '../scheduler/sequence.js'
import type { SequenceResult } from '../step/read-step.js'

/** Says the next tokens of a request's sequences where the device does not: they await it, and nothing else does. */
export interface TokenChooser {
  /** Takes the row of a sequence that awaits its token; undefined when nothing can be said yet. */
  take(result: SequenceResult): Choice | undefined
}

/** What becomes of a request's sequences. Those that are not named go on waiting. */
export interface Choice {
  /** Sequences that end; their room is free for the forks. */
  readonly dropped: readonly Sequence[]
  /** New sequences with what comes next in them. They stand where the ones stand that they were forked from. */
  readonly forked: readonly (readonly [sequence: Sequence, token: number])[]
  /** Sequences that go on, with what comes next. */
  readonly appended: readonly (readonly [sequence: Sequence, token: number])[]
  /** The answers, when the request ends with this. */
  readonly answers?: readonly Answer[]
}
