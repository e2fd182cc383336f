import type { EventEmitter } from 'node:events'
import type {
  ChatPrompt,
  EngineEvents,
  EngineState,
  EngineStats,
  KvCacheEvent,
  OnDelta,
  SamplingParams,
  ToolCallParser,
} from 'trtllm'

/** One prompt to generate from; `n` of its sampling yields choices 0..n-1. */
export interface GenerationRequest {
  id: string
  promptIds: number[]
  sampling: SamplingParams
  /** Cached prefixes are shared only among requests of the same salt. */
  cacheSalt?: string
  /** Who the request is counted against: callers take turns where requests wait. */
  fairnessKey?: string
  /** Milliseconds from now after which the engine may drop the request. */
  deadlineMs?: number
}

/** Facts of a loaded model that the server publishes or checks requests against. Sizes in tokens. */
export interface ServedModelInfo {
  name: string
  vocabSize: number
  maxSeqLen: number
  maxBatchSize: number
  maxNumTokens: number
  /** Where it runs, in words. */
  device: string
}

/** Everything the server needs of a model, which restarts its engine by itself. The object outlives its engines. */
export interface ServedModel {
  readonly info: ServedModelInfo
  readonly state: EngineState
  readonly events: EventEmitter<EngineEvents>
  /** Renders a conversation with the chat template. @throws an error with code `unsupported` where there is none. */
  render(chat: ChatPrompt): Promise<string>
  /** A cheap lower bound of the tokens of a text. */
  leastTokens(text: string): number
  encode(text: string, options: { addSpecialTokens: boolean }): Promise<number[]>
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string
  tokenText(id: number): string
  tokenBytes(id: number): Uint8Array
  /**
   * Hands on the deltas of all choices, interleaved; each choice finishes exactly once. Resolves after the last one.
   * Aborting `signal` frees the engine's rows; so does what `onDelta` throws.
   */
  run(request: GenerationRequest, signal: AbortSignal, onDelta: OnDelta): Promise<void>
  /** What happened to cached pages since the last call, oldest first. */
  kvCacheEvents(): Promise<readonly KvCacheEvent[]>
  /** A parser of this model's tool-call format, one per choice. */
  createToolCallParser(): ToolCallParser
  /** Iterations and ended requests since the last call, and the engine's state now. */
  stats(): Promise<EngineStats>
  close(): Promise<void>
}
