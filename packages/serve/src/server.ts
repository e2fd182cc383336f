import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Logger, pino } from 'pino'
import { ApiError, toApiError } from './errors/api-error.js'
import { chatFields } from './fields/chat-fields.js'
import { completionFields } from './fields/completion-fields.js'
import { ActiveRequests } from './lifecycle/active-requests.js'
import { defaultLimits, type Limits } from './limits.js'
import { IterationLog } from './metrics/iteration-log.js'
import { ServerMetrics } from './metrics/server-metrics.js'
import { checkHeaders, keyCheck, requestIdOf } from './protocol/guard-requests.js'
import { parseJsonBody, readBody } from './protocol/read-body.js'
import { chatCompletions } from './routes/chat-completions.js'
import { completions } from './routes/completions.js'
import { informationRoutes } from './routes/information.js'
import type { ServedModel } from './served-model.js'
import { logFailure, type ServerContext, shutdownError } from './server-context.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a key. */
    public?: boolean
  }
  interface FastifyRequest {
    /** Whose key came with the request, by its number; undefined on a server without keys. */
    caller?: string | undefined
  }
}

/** What a server is made of. */
export interface ServerOptions {
  model: ServedModel
  version: string
  /** Names requests may use; the first stands in answers. Default: the model's own. */
  modelNames?: string[]
  /** Keys, any of which opens every route; none = open. Health routes need no key. */
  apiKeys?: string[]
  limits?: Partial<Limits>
  maxQueue?: number
  maxQueueTokens?: number
  /** Longest answer in tokens: the default of a request that names none, and a bound on those that do. */
  maxOutputLen?: number
  log?: Logger
}

/** A server that is not listening yet: its fastify instance and what the routes share. */
export interface OpenAiServer {
  app: FastifyInstance
  context: ServerContext
}

/** Builds the OpenAI-compatible server over a model. */
export function createServer(options: ServerOptions): OpenAiServer {
  const context = contextOf(options)
  const { limits, log } = context
  const app = Fastify({
    logger: false,
    genReqId: requestIdOf,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    forceCloseConnections: 'idle',
    // A stopping server answers by its own rule (server_shutdown in the envelope).
    return503OnClosing: false,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: 1000,
    },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket),
    frameworkErrors: (error, request, reply) => sendError(request, reply, fastifyError(error)),
  })
  app.server.maxHeadersCount = limits.headerCount + 1

  const checkKey = keyCheck(options.apiKeys ?? [])
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request, reply) => {
    context.openResponses.add(reply.raw)
    reply.raw.once('close', () => context.openResponses.delete(reply.raw))
    reply.header('x-request-id', request.id)
    if (!request.routeOptions.config.public) request.caller = checkKey(request.raw)
    checkHeaders(request.raw, limits)
    if (context.draining && !request.routeOptions.config.public) throw shutdownError()
  })
  app.addHook('onSend', async (_request, reply) => {
    // Whoever never takes a whole answer would hold the connection for ever.
    const giveUp = setTimeout(() => reply.raw.destroy(), limits.streamStallMs)
    reply.raw.once('close', () => clearTimeout(giveUp))
  })
  app.addHook('onResponse', async (request, reply) => {
    const report = {
      request_id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
    }
    log.debug({ ...report, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request')
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    async (_request: FastifyRequest, payload: typeof _request.raw) =>
      parseJsonBody(await readBody(payload, limits), limits),
  )
  app.setErrorHandler((thrown, request, reply) => {
    const error = fastifyError(thrown)
    logFailure(context, request.id, error)
    return sendError(request, reply, error)
  })
  app.setNotFoundHandler((request, reply) => sendError(request, reply, notFound(app, request)))

  informationRoutes(app, context)
  app.post('/v1/chat/completions', (request, reply) => chatCompletions(context, request, reply))
  app.post('/v1/completions', (request, reply) => completions(context, request, reply))
  return { app, context }
}

function contextOf(options: ServerOptions): ServerContext {
  const { model } = options
  const limits = { ...defaultLimits, ...options.limits }
  const modelNames = options.modelNames ?? [model.info.name]
  const context: ServerContext = {
    version: options.version,
    model,
    active: new ActiveRequests(),
    limits,
    metrics: new ServerMetrics(modelNames[0]!),
    iterations: new IterationLog(),
    log: options.log ?? pino({ level: 'silent' }),
    modelNames,
    createdSeconds: Math.floor(Date.now() / 1000),
    fields: { chat: chatFields(limits), completions: completionFields(limits) },
    queue: {
      ...(options.maxQueue === undefined ? {} : { maxQueue: options.maxQueue }),
      ...(options.maxQueueTokens === undefined ? {} : { maxQueueTokens: options.maxQueueTokens }),
    },
    maxOutputLen: options.maxOutputLen,
    openResponses: new Set(),
    warnedFields: new Set(),
    draining: false,
  }
  const failActive = (error: Error) => {
    context.metrics.engineDied()
    const { code, message } = toApiError(error)
    const cause = code === 'engine_stalled' ? message : 'The engine died while it worked on this request.'
    const death = code === 'engine_stalled' ? code : 'engine_died'
    context.active.abortAll(new ApiError(death, cause, { retryAfterSeconds: 2 }))
  }
  model.events.on('died', (error) => {
    context.log.error(
      { err: error },
      `the engine died with ${context.active.size} requests; starting a new one`,
    )
    failActive(error)
  })
  model.events.on('fatal', failActive)
  return context
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: ApiError): FastifyReply {
  reply.headers({ ...error.headers, 'x-request-id': request.id })
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  return reply.code(error.status).send(error.envelope(request.id))
}

/** Errors fastify itself raises, in our words and codes. */
function fastifyError(error: unknown): ApiError {
  const { code } = error as { code?: unknown }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new ApiError(
      'unsupported',
      'The body must be JSON: send the header Content-Type: application/json.',
      {
        status: 415,
        param: 'content-type',
      },
    )
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ApiError('payload_too_large', 'The body is too large.')
  if (typeof code === 'string' && code.startsWith('FST_ERR_'))
    return new ApiError('invalid_request', 'The request line or its headers are malformed.')
  return toApiError(error)
}

function notFound(app: FastifyInstance, request: FastifyRequest): ApiError {
  const path = request.url.split('?')[0]!.slice(0, 128)
  const allowed = (['GET', 'POST'] as const).filter((method) => app.findRoute({ method, url: path }) !== null)
  if (allowed.length === 0) return new ApiError('not_found', `There is no route ${request.method} ${path}.`)
  return new ApiError('invalid_request', `${path} answers ${allowed.join(' and ')}, not ${request.method}.`, {
    status: 405,
    headers: { allow: allowed.join(', ') },
  })
}

/** Bytes that never became a request: answer in the envelope and hang up. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const refusal =
    status === 431
      ? new ApiError('payload_too_large', 'The headers are too large.', { status })
      : status === 408
        ? new ApiError('slow_client', 'The request was not complete in time.', { status })
        : new ApiError('invalid_request', 'The bytes are not a valid HTTP/1.1 request.')
  const body = JSON.stringify(refusal.envelope(`req-${Date.now().toString(36)}`))
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nConnection: close\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
