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
export { LlmServedModel } from './llm-served-model.js'
export type { GenerationRequest, ServedModel, ServedModelInfo } from './served-model.js'
export { createServer, type OpenAiServer, type ServerOptions } from './server.js'
