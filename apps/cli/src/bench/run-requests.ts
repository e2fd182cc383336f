import { setMaxListeners } from 'node:events'
import type { LLM } from 'trtllm'
import type { BenchRequest } from './workload.js'

/** When things happened to one request, in milliseconds of one clock. */
export interface RequestRecord {
  readonly startMs: number
  readonly firstMs: number
  readonly endMs: number
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface RunOptions {
  /** Requests at a time; Infinity: all at once. */
  readonly concurrency: number
  readonly signal: AbortSignal
  readonly onDone?: () => void
}

/**
 * Runs requests greedily, end ids ignored, tokens in and tokens out. Their clock starts when they are handed to the
 * engine. @throws the first failure, after which the others are ended.
 */
export async function runRequests(
  llm: LLM,
  requests: readonly BenchRequest[],
  { concurrency, signal, onDone }: RunOptions,
): Promise<RequestRecord[]> {
  const end = new AbortController()
  const either = AbortSignal.any([signal, end.signal])
  // Every request listens to it.
  setMaxListeners(0, either)
  const records = new Array<RequestRecord>(requests.length)
  let next = 0
  const lane = async (): Promise<void> => {
    try {
      for (let index = next++; index < requests.length; index = next++) {
        records[index] = await runRequest(llm, requests[index]!, either)
        onDone?.()
      }
    } catch (error) {
      end.abort(error)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, lane))
  either.throwIfAborted()
  return records
}

async function runRequest(
  llm: LLM,
  { promptIds, outputTokens: maxTokens }: BenchRequest,
  signal: AbortSignal,
): Promise<RequestRecord> {
  const params = { maxTokens, temperature: 0, ignoreEos: true, detokenize: false }
  const startMs = performance.now()
  let firstMs = 0
  let outputTokens = 0
  for await (const { tokenIds } of llm.generateStream(promptIds, params, { signal })) {
    if (outputTokens === 0) firstMs = performance.now()
    outputTokens += tokenIds.length
  }
  return { startMs, firstMs, endMs: performance.now(), inputTokens: promptIds.length, outputTokens }
}
