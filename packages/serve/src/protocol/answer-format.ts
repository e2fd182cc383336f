import type { GenerationDelta } from 'trtllm'
import type { CallUsage } from '../stream/run-generations.js'

/** Fields that every answer and every chunk of one call share. */
export interface AnswerHead {
  id: string
  created: number
  model: string
}

/** Turns the deltas of a call into SSE chunks, in order. */
export interface ChunkFormat {
  /** The chunks of a delta as JSON; `usage`, where given, is the last member of each. */
  push(choice: number, delta: GenerationDelta, usage?: object | null): string[]
  /** The last chunk of a stream that asked for usage: no choices. */
  usageChunk(usage: CallUsage): Record<string, unknown>
}

/** Gathers the deltas of a call into one JSON body. */
export interface BodyFormat {
  push(choice: number, delta: GenerationDelta): void
  body(usage: CallUsage): Record<string, unknown>
}
