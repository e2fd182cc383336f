export { type ErrorCode, exitCodeOf, TrtllmError } from '@trtllm/kernels'
export type {
  CapacityPolicy,
  ChunkingPolicy,
  ContextLogits,
  EngineStats,
  IterationStats,
  KvCacheEvent,
  RetentionConfig,
} from '@trtllm/runtime'
export {
  type ChatContentPart,
  type ChatMessage,
  type ChatToolCall,
  chatRoles,
  type Detokenizer,
  loadTokenizer,
  parseToolCalls,
  type Tokenizer,
  type ToolCallEvent,
  type ToolCallParser,
} from '@trtllm/text'
export {
  AutoModelForCausalLM,
  AutoTokenizer,
  type AutoTokenizerInstance,
  type GenerationOptions,
  type PretrainedOptions,
  type TokenizedInputs,
} from './auto-classes.js'
export { maxStopBytes, maxStops } from './check-sampling-params.js'
export { embeddedModelPath } from './embedded-model.js'
export type { EngineEvents, EngineState } from './engine-front.js'
export type { OnDelta } from './generation.js'
export { type GenerateOptions, LLM } from './llm.js'
export type { EngineInfo } from './load-model.js'
export type { DTypeName, KvCacheDTypeName, LoadOptions, QuantName } from './load-options.js'
export type { LogitsProcessor } from './logits-processor.js'
export type { ChatPrompt, Prompt } from './prompt.js'
export type {
  CompletionOutput,
  FinishReason,
  GenerationDelta,
  GenerationFinish,
  GenerationUsage,
  LogitRows,
  RequestOutput,
  TokenLogprob,
} from './request-output.js'
export type { RuntimeOptions } from './runtime-options.js'
export type { SamplingParams } from './sampling-params.js'
export { version } from './version.js'
