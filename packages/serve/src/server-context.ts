import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { ApiError } from './errors/api-error.js'
import type { chatFields } from './fields/chat-fields.js'
import type { completionFields } from './fields/completion-fields.js'
import type { ActiveRequests, AdmissionLimits } from './lifecycle/active-requests.js'
import type { Limits } from './limits.js'
import type { IterationLog } from './metrics/iteration-log.js'
import type { ServerMetrics } from './metrics/server-metrics.js'
import type { ServedModel } from './served-model.js'

/** What every route of one server shares. */
export interface ServerContext {
  readonly version: string
  readonly model: ServedModel
  readonly active: ActiveRequests
  readonly limits: Limits
  readonly metrics: ServerMetrics
  readonly iterations: IterationLog
  readonly log: Logger
  /** Names a request may use for the model; the first is the one answers carry. */
  readonly modelNames: readonly string[]
  readonly createdSeconds: number
  readonly fields: {
    chat: ReturnType<typeof chatFields>
    completions: ReturnType<typeof completionFields>
  }
  /** Bounds of the queue; unset members follow the model: 4 x batch requests, 8 x step tokens. */
  readonly queue: { maxQueue?: number; maxQueueTokens?: number }
  /** Longest answer in tokens, where the operator set one. */
  readonly maxOutputLen: number | undefined
  /** Responses whose last byte has not left yet. */
  readonly openResponses: Set<ServerResponse>
  /** Unknown request fields already written to the log. */
  readonly warnedFields: Set<string>
  draining: boolean
}

/** Prompt tokens that a waiting place is worth: small steps must not make a long queue useless. */
const tokensPerPlace = 64

/** The queue's bounds for the model being served. */
export function admissionLimits({ model, queue }: ServerContext): AdmissionLimits {
  const { maxBatchSize, maxNumTokens } = model.info
  const maxQueue = queue.maxQueue ?? 4 * maxBatchSize
  const maxQueueTokens = queue.maxQueueTokens ?? Math.max(8 * maxNumTokens, tokensPerPlace * maxQueue)
  return { maxBatchSize, maxQueue, maxQueueTokens }
}

/** Writes what a client may not see: the cause of an internal error; other failures are news, not errors. */
export function logFailure(context: ServerContext, requestId: string, error: ApiError): void {
  if (error.code === 'internal')
    context.log.error({ request_id: requestId, err: error.cause }, 'request failed')
  else context.log.debug({ request_id: requestId, code: error.code }, `request ended: ${error.message}`)
}

/** The model, when its engine takes requests. @throws ApiError `engine_died` between two engines, `server_shutdown` after the last. */
export function readyModel({ model }: ServerContext): ServedModel {
  if (model.state === 'closed') throw shutdownError()
  if (model.state !== 'restarting') return model
  throw new ApiError('engine_died', 'The engine died and a new one is being loaded; try again shortly.', {
    retryAfterSeconds: 2,
  })
}

/** What a stopping server answers. */
export function shutdownError(): ApiError {
  return new ApiError('server_shutdown', 'The server is shutting down; send the request elsewhere.', {
    retryAfterSeconds: 5,
    headers: { connection: 'close' },
  })
}
