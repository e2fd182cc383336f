export { ApiError, type ApiErrorOptions, type ErrorEnvelope, toApiError } from './errors/api-error.js'
export { type ErrorCode, errorCodes } from './errors/error-codes.js'
export { drain } from './lifecycle/drain.js'
export { defaultLimits, type Limits } from './limits.js'
export {
  bindAddress,
  bindError,
  checkExposure,
  isLoopback,
  StartError,
} from './listen/port-errors.js'
export { canBind, listeningInodes, nextFreePort, portHolder } from './listen/port-holder.js'
export { LlmServedModel, type ServingLlm, type ServingTokenizer } from './llm-served-model.js'
export type {
  ChoiceUsage,
  GenerationDelta,
  GenerationRequest,
  IterationStats,
  RenderOptions,
  Sampling,
  ServedModel,
  ServedModelEvents,
  ServedModelInfo,
  TemplateMessage,
  TokenLogprob,
  ToolCallEvent,
  ToolCallParser,
} from './served-model.js'
export { createServer, type OpenAiServer, type ServerOptions } from './server.js'
