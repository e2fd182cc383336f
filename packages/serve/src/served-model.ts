import type { EventEmitter } from 'node:events'

/** Sampling of one request; names and meanings of the `trtllm` facade's SamplingParams. */
export interface Sampling {
  maxTokens?: number
  minTokens?: number
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
  repetitionPenalty?: number
  presencePenalty?: number
  frequencyPenalty?: number
  seed?: number
  stop?: string[]
  stopTokenIds?: number[]
  includeStopStrInOutput?: boolean
  ignoreEos?: boolean
  badWords?: string[]
  /** [token id, bias] pairs. */
  logitBias?: [number, number][]
  /** Best alternatives wanted per token; 0 = the chosen token alone; absent = none. */
  logprobs?: number
  skipSpecialTokens?: boolean
  n?: number
}

/** One prompt to generate from; `n` of its sampling yields choices 0..n-1. */
export interface GenerationRequest {
  id: string
  promptIds: number[]
  sampling: Sampling
  /** Milliseconds from now after which the engine may drop the request. */
  deadlineMs?: number
}

/** Natural-log probability of a chosen token and of the best alternatives, best first. */
export interface TokenLogprob {
  id: number
  logprob: number
  top: { id: number; logprob: number }[]
}

/** Token counts of one choice. */
export interface ChoiceUsage {
  promptTokens: number
  completionTokens: number
  cachedTokens: number
}

/** New text of one choice; the last delta of a choice, and no other, has `finish`. */
export interface GenerationDelta {
  index: number
  text: string
  tokenIds: number[]
  logprobs?: TokenLogprob[]
  /** On the first delta: milliseconds between submission and first schedule, where the engine knows. */
  queueMs?: number
  finish?: {
    reason: 'stop' | 'length' | 'cancelled'
    /** The stop string or stop token id that ended the choice; null for the end-of-text token. */
    stopReason: string | number | null
    usage: ChoiceUsage
  }
}

/** A chat message as templates read it: content is plain text, tool arguments are objects. */
export interface TemplateMessage {
  role: string
  content: string | null
  name?: string
  tool_call_id?: string
  tool_calls?: { id?: string; type: 'function'; function: { name: string; arguments: unknown } }[]
}

/** What a chat template is rendered with. */
export interface RenderOptions {
  tools?: unknown[]
  addGenerationPrompt: boolean
  chatTemplateKwargs?: Record<string, unknown>
}

/** A piece of parsed output: text for the reader, the beginning of a call, or more of its JSON arguments. */
export type ToolCallEvent =
  | { type: 'text'; text: string }
  | { type: 'call'; index: number; name: string }
  | { type: 'arguments'; index: number; text: string }

/** Splits generated text into prose and tool calls as it streams. */
export interface ToolCallParser {
  push(text: string): ToolCallEvent[]
  flush(): ToolCallEvent[]
}

/** Facts of a loaded model that the server publishes or checks requests against. Sizes in tokens. */
export interface ServedModelInfo {
  name: string
  architecture: string
  vocabSize: number
  maxSeqLen: number
  maxBatchSize: number
  maxNumTokens: number
  dtype: string
  device: string
  hasChatTemplate: boolean
}

/** One entry of /metrics, with TensorRT-LLM's keys. */
export type IterationStats = Record<string, unknown>

/** What a model tells about its engine, which it restarts by itself. */
export interface ServedModelEvents {
  /** The engine is gone and a new one is being started. */
  died: [error: Error]
  /** A new engine is up. */
  ready: []
  /** There will be no further engine: the server is to end with exit code 70. */
  fatal: [error: Error]
}

/** Everything the server needs of a model. The object outlives its engines. */
export interface ServedModel {
  readonly info: ServedModelInfo
  /** `restarting`: between two engines. `stalled`: the engine has work and gave no sign of life for seconds. */
  readonly state: 'ready' | 'restarting' | 'stalled'
  readonly events: EventEmitter<ServedModelEvents>
  /** Renders messages with the chat template. @throws an error with code `unsupported` where there is none. */
  render(messages: TemplateMessage[], options: RenderOptions): Promise<string>
  encode(text: string, options: { addSpecialTokens: boolean }): Promise<number[]>
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string
  tokenText(id: number): string
  tokenBytes(id: number): Uint8Array
  /** Deltas of all choices, interleaved; each choice finishes exactly once. Aborting `signal` frees the engine's rows. */
  stream(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationDelta>
  /** A parser of this model's tool-call format, one per choice. */
  createToolCallParser(): ToolCallParser
  /** Iteration statistics since the last call. */
  drainIterationStats(): Promise<IterationStats[]>
  close(): Promise<void>
}
