import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GenerationDelta } from 'trtllm'
import { ApiError, toApiError } from '../errors/api-error.js'
import type { ActiveRequest } from '../lifecycle/active-requests.js'
import type { BodyFormat, ChunkFormat } from '../protocol/answer-format.js'
import { usageBody } from '../protocol/usage.js'
import type { GenerationRequest, ServedModel } from '../served-model.js'
import { admissionLimits, logFailure, type ServerContext, shutdownError } from '../server-context.js'
import { EventStream } from '../stream/event-stream.js'
import { EventWriter } from '../stream/event-writer.js'
import { type CallUsage, runGenerations } from '../stream/run-generations.js'

/** A validated call, ready for the engine. */
export interface Call {
  model: ServedModel
  requests: GenerationRequest[]
  deadlineMs: number | undefined
  answer:
    | { stream: false; format: BodyFormat }
    | { stream: true; format: ChunkFormat; includeUsage: boolean; continuousUsage: boolean }
}

/**
 * Admits a call, runs it and answers it; whatever happens, the admission is given back and the request has one outcome.
 * @returns the body of a whole answer; a streamed one is written here. @throws ApiError before the first byte only.
 */
export async function executeCall(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  call: Call,
): Promise<Record<string, unknown> | FastifyReply> {
  // It may have begun while this request's body was still coming.
  if (context.draining) throw shutdownError()
  const sequences = call.requests.reduce((sum, { sampling: { n = 1, bestOf = n } }) => sum + bestOf, 0)
  const promptTokens = call.requests.reduce((sum, { promptIds }) => sum + promptIds.length, 0)
  const active = context.active.admit(request.id, sequences, promptTokens, admissionLimits(context))
  const release = endOn(reply, active, call.deadlineMs)
  const meter = new CallMeter(context, active, promptTokens)
  const { caller } = request
  const fair =
    caller === undefined
      ? call
      : { ...call, requests: call.requests.map((one) => ({ ...one, fairnessKey: caller })) }
  try {
    if (!call.answer.stream) {
      const { format } = call.answer
      const usage = await runGenerations(call.model, fair.requests, active, (choice, delta) => {
        meter.saw(delta)
        format.push(choice, delta)
      })
      meter.finished(usage)
      return format.body(usage)
    }
    return await streamCall(context, request, reply, fair, active, meter)
  } catch (error) {
    const failure = toApiError(error)
    meter.failed(failure)
    throw failure
  } finally {
    release()
    context.active.release(active)
  }
}

async function streamCall(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  call: Call,
  active: ActiveRequest,
  meter: CallMeter,
): Promise<FastifyReply> {
  if (!call.answer.stream) return reply
  const { format, includeUsage, continuousUsage } = call.answer
  const headers = {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  }
  const abort = (error: unknown) => active.controller.abort(error)
  const stream = new EventStream(reply.raw, headers, context.limits, abort, () => reply.hijack())
  const chunkUsage = () => (continuousUsage ? usageBody(meter.usageSoFar()) : includeUsage ? null : undefined)
  const writer = new EventWriter(stream, format, chunkUsage, abort)
  try {
    const usage = await runGenerations(call.model, call.requests, active, (choice, delta) => {
      meter.saw(delta)
      writer.push(choice, delta)
    })
    await writer.drained(active.controller.signal)
    // Whatever ended the request while its last frame waited for a slow reader decides how the stream ends.
    active.controller.signal.throwIfAborted()
    if (includeUsage) stream.send(JSON.stringify(format.usageChunk(usage)))
    stream.done()
    meter.finished(usage)
  } catch (error) {
    if (!stream.started) throw error
    const failure = toApiError(error)
    stream.fail(failure.envelope(request.id))
    meter.failed(failure)
    logFailure(context, request.id, failure)
  }
  return reply
}

/** Ends the request when its client leaves or its deadline passes. @returns a function that stops watching. */
function endOn(reply: FastifyReply, active: ActiveRequest, deadlineMs: number | undefined): () => void {
  const left = () => {
    if (!reply.raw.writableFinished) active.controller.abort(new ApiError('cancelled', 'The client left.'))
  }
  if (reply.raw.destroyed) left()
  reply.raw.once('close', left)
  const deadline =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => {
          const error = new ApiError(
            'deadline_exceeded',
            `The request did not finish within ${deadlineMs} ms.`,
          )
          active.controller.abort(error)
        }, deadlineMs)
  return () => {
    clearTimeout(deadline)
    reply.raw.off('close', left)
  }
}

/** Feeds the metrics of one call. */
class CallMeter {
  readonly #context: ServerContext
  readonly #active: ActiveRequest
  readonly #promptTokens: number
  #completionTokens = 0
  #firstMs: number | undefined
  #reason = 'stop'

  constructor(context: ServerContext, active: ActiveRequest, promptTokens: number) {
    this.#context = context
    this.#active = active
    this.#promptTokens = promptTokens
  }

  saw(delta: GenerationDelta): void {
    if (this.#firstMs === undefined) {
      this.#firstMs = performance.now()
      this.#context.active.started(this.#active)
    }
    this.#completionTokens += delta.tokenIds.length
    if (delta.finish) this.#reason = delta.finish.reason
  }

  usageSoFar(): CallUsage {
    return { promptTokens: this.#promptTokens, completionTokens: this.#completionTokens, cachedTokens: 0 }
  }

  finished(usage: CallUsage): void {
    const { metrics } = this.#context
    metrics.finished(this.#reason, usage)
    const tokens = usage.completionTokens
    metrics.timed(this.#active.admittedMs, this.#firstMs, performance.now(), tokens)
  }

  failed(error: ApiError): void {
    this.#context.metrics.failed(error.code)
  }
}
