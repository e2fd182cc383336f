import { setMaxListeners } from 'node:events'
import { Agent } from 'node:http'
import type { RequestRecord } from '../run-requests.js'
import type { ServedRequest } from '../workload.js'
import { streamRequest, type Target } from './stream-request.js'

export interface LoadOptions {
  /** Requests at a time, at most; Infinity: no bound. */
  readonly concurrency: number
  /** Requests a second that arrive by chance (Poisson); Infinity: all at once. */
  readonly requestRate: number
  readonly signal: AbortSignal
  readonly onDone?: () => void
}

/** What a load gave: a record a request, and the times between events of the streams, in milliseconds. */
export interface LoadResult {
  readonly records: RequestRecord[]
  readonly gaps: Float64Array
}

/**
 * Sends requests over HTTP and reads their streams. A request that arrives while `concurrency` others run waits its
 * turn; its clock starts when it is sent. @throws the first failure, after which the others are ended.
 */
export async function runLoad(
  target: Omit<Target, 'agent'>,
  requests: readonly ServedRequest[],
  { concurrency, requestRate, signal, onDone }: LoadOptions,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const end = new AbortController()
  // Every request listens to it.
  setMaxListeners(0, end.signal)
  const stop = () => end.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  const gaps = new Samples(requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0))
  const records = new Array<RequestRecord>(requests.length)
  const arrivals = arrivalTimes(requests.length, requestRate)
  const startMs = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    try {
      for (let index = next++; index < requests.length; index = next++) {
        await arrival(startMs + arrivals[index]!, end.signal)
        records[index] = await streamRequest({ ...target, agent }, requests[index]!, end.signal, (gap) =>
          gaps.add(gap),
        )
        onDone?.()
      }
    } catch (error) {
      end.abort(error)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, lane))
    end.signal.throwIfAborted()
    return { records, gaps: gaps.values() }
  } finally {
    signal.removeEventListener('abort', stop)
    agent.destroy()
  }
}

/** Milliseconds from the beginning at which requests arrive: gaps are exponential, a fixed function of their number. */
export function arrivalTimes(count: number, requestRate: number): Float64Array {
  const times = new Float64Array(count)
  if (!Number.isFinite(requestRate)) return times
  let state = 0x2545f491
  for (let i = 1; i < count; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const uniform = ((state >>> 0) + 1) / (2 ** 32 + 1)
    times[i] = times[i - 1]! - (1000 / requestRate) * Math.log(uniform)
  }
  return times
}

/** Resolves at a time of performance.now, at once where that is over; rejects with the reason of the signal. */
function arrival(atMs: number, signal: AbortSignal): Promise<void> | undefined {
  signal.throwIfAborted()
  const waitMs = atMs - performance.now()
  if (waitMs <= 0) return undefined
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, waitMs)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** Numbers that come one by one, of which the most is known. */
class Samples {
  readonly #values: Float64Array
  #count = 0

  constructor(most: number) {
    this.#values = new Float64Array(most)
  }

  add(value: number): void {
    if (this.#count < this.#values.length) this.#values[this.#count++] = value
  }

  values(): Float64Array {
    return this.#values.subarray(0, this.#count)
  }
}
