import type { GenerationDelta } from 'trtllm'
import type { CallUsage } from '../stream/run-generations.js'

/** Fields that every answer and every chunk of one call share. */
export interface AnswerHead {
  id: string
  created: number
  model: string
}

/** Turns the deltas of a call into SSE chunks, in order. `usage` asks for OpenAI's usage in every chunk. */
export interface ChunkFormat {
  push(choice: number, delta: GenerationDelta): Record<string, unknown>[]
  /** The last chunk of a stream that asked for usage: no choices. */
  usageChunk(usage: CallUsage): Record<string, unknown>
}

/** Gathers the deltas of a call into one JSON body. */
export interface BodyFormat {
  push(choice: number, delta: GenerationDelta): void
  body(usage: CallUsage): Record<string, unknown>
}
