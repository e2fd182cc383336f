import type { FastifyInstance } from 'fastify'
import { ApiError } from '../errors/api-error.js'
import { readyModel, type ServerContext, shutdownError } from '../server-context.js'

/** Refuses while the server cannot take a request. */
function checkReadiness(context: ServerContext): void {
  if (context.draining) throw shutdownError()
  if (readyModel(context).state === 'stalled')
    throw new ApiError('engine_stalled', 'The engine has work and has given no sign of life for seconds.')
}

/** GET routes about the server: health (public), version, models and metrics. */
export function informationRoutes(app: FastifyInstance, context: ServerContext): void {
  const health = { config: { public: true } }
  const ready = async () => {
    checkReadiness(context)
    return { status: 'ready' }
  }
  app.get('/health', health, ready)
  app.get('/health/ready', health, ready)
  app.get('/health/live', health, async () => ({ status: 'live' }))
  app.get('/version', async () => ({ version: context.version }))

  const card = (id: string) => ({
    id,
    object: 'model',
    created: context.createdSeconds,
    owned_by: 'trtllm',
    max_model_len: context.model.info.maxSeqLen,
  })
  app.get('/v1/models', async () => ({ object: 'list', data: context.modelNames.map(card) }))
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const name = request.params['*']
    if (context.modelNames.includes(name)) return card(name)
    throw new ApiError('not_found', `The model '${name.slice(0, 128)}' is not served here.`, {
      param: 'model',
    })
  })

  const pull = async () => {
    if (context.model.state !== 'ready') return
    // An engine that dies meanwhile has nothing to tell; the server's own counts are still worth reading.
    const stats = await context.model.stats().catch(() => undefined)
    if (!stats) return
    context.iterations.add(stats)
    context.metrics.ended(stats.requests)
  }
  // A HEAD would drain what nobody reads.
  app.get('/metrics', { exposeHeadRoute: false }, async () => {
    await pull()
    return context.iterations.drain()
  })
  // TensorRT-LLM's route. Like /metrics, an answer takes what it tells out of the buffer.
  app.post('/kv_cache_events', async () => {
    return readyModel(context).kvCacheEvents()
  })
  app.get('/prometheus/metrics', async (_request, reply) => {
    await pull()
    const { active, model, iterations } = context
    const running = Math.min(active.sequences, model.info.maxBatchSize)
    reply.type(context.metrics.registry.contentType)
    return await context.metrics.text(iterations.latest, iterations.gauges, {
      num_requests_running: running,
      num_requests_waiting: active.sequences - running,
      queued_prompt_tokens: active.waitingTokens,
      engine_ready: model.state === 'ready' ? 1 : 0,
    })
  })
}
