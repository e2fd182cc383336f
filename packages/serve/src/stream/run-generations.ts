import type { GenerationDelta, GenerationUsage } from 'trtllm'
import { ApiError } from '../errors/api-error.js'
import type { ActiveRequest } from '../lifecycle/active-requests.js'
import type { GenerationRequest, ServedModel } from '../served-model.js'

/** Token counts of a whole call: prompts are counted once each, completions for every choice. */
export interface CallUsage {
  promptTokens: number
  completionTokens: number
  cachedTokens: number
}

/** Hears of the deltas of a call, each with its choice number: prompt number x n + index. */
export type OnChoiceDelta = (choice: number, delta: GenerationDelta) => void

/**
 * Runs the generations of one call side by side and hands on every delta as it comes.
 * @returns the usage of the whole call. @throws the abort reason of the request, or what the model threw.
 */
export async function runGenerations(
  model: ServedModel,
  requests: readonly GenerationRequest[],
  active: ActiveRequest,
  onDelta: OnChoiceDelta,
): Promise<CallUsage> {
  const total: CallUsage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 }
  const { signal } = active.controller
  const aborted = new Promise<never>((_, reject) => {
    const fail = () => reject(signal.reason)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
  const runs = requests.map((request, at) => runOne(model, request, at, signal, onDelta))
  try {
    // The race lets a request end even if the model is slow to notice the abort.
    for (const usage of await Promise.race([Promise.all(runs), aborted])) {
      total.promptTokens += usage.promptTokens
      total.completionTokens += usage.completionTokens
      total.cachedTokens += usage.cachedTokens
    }
    return total
  } catch (error) {
    // One failed generation ends its siblings; a request has one outcome.
    if (!signal.aborted) active.controller.abort(error)
    throw signal.reason ?? error
  } finally {
    aborted.catch(() => {})
    for (const run of runs) run.catch(() => {})
  }
}

async function runOne(
  model: ServedModel,
  request: GenerationRequest,
  at: number,
  signal: AbortSignal,
  onDelta: OnChoiceDelta,
): Promise<CallUsage> {
  const choices = request.sampling.n ?? 1
  const finished: GenerationUsage[] = []
  await model.run(request, signal, (delta) => {
    if (delta.finish?.reason === 'cancelled')
      throw new ApiError('cancelled', 'The engine cancelled the request.', { status: 503 })
    onDelta(at * choices + delta.index, delta)
    if (delta.finish) finished.push(delta.finish.usage)
  })
  signal.throwIfAborted()
  if (finished.length !== choices)
    throw new Error(`engine ended request ${request.id} after ${finished.length} of ${choices} choices`)
  return {
    promptTokens: finished[0]?.promptTokens ?? 0,
    completionTokens: finished.reduce((sum, usage) => sum + usage.completionTokens, 0),
    cachedTokens: finished[0]?.cachedTokens ?? 0,
  }
}
