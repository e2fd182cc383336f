import { type Agent, type IncomingMessage, request } from 'node:http'
import { TrtllmError } from '@trtllm/kernels'
import type { RequestRecord } from '../run-requests.js'
import type { ServedRequest } from '../workload.js'
import { SseFrames } from './sse-frames.js'

/** Where requests go, and how. */
export interface Target {
  /** http://host:port */
  readonly url: string
  readonly model: string
  readonly agent: Agent
  readonly apiKey?: string | undefined
}

/** Hears of the time between the events of a stream, in milliseconds. */
export type OnGap = (milliseconds: number) => void

/**
 * Sends one completion and reads its stream. Its clock starts right before the request is written. @throws TrtllmError
 * when the server refuses, or the stream ends without a whole answer.
 */
export function streamRequest(
  target: Target,
  { prompt, outputTokens }: ServedRequest,
  signal: AbortSignal,
  onGap: OnGap,
): Promise<RequestRecord> {
  const body = JSON.stringify({
    model: target.model,
    prompt,
    max_tokens: outputTokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(target.apiKey !== undefined && { authorization: `Bearer ${target.apiKey}` }),
  }
  return new Promise((resolve, reject) => {
    const startMs = performance.now()
    const sent = request(`${target.url}/v1/completions`, {
      method: 'POST',
      agent: target.agent,
      headers,
      signal,
    })
    sent.on('error', (error) => reject(signal.aborted ? signal.reason : unreachable(target.url, error)))
    sent.on('response', (response) => {
      if (response.statusCode !== 200) void refusal(response).then(reject)
      else readStream(response, startMs, onGap, resolve, reject)
    })
    sent.end(body)
  })
}

function readStream(
  response: IncomingMessage,
  startMs: number,
  onGap: OnGap,
  resolve: (record: RequestRecord) => void,
  reject: (error: Error) => void,
): void {
  const frames = new SseFrames()
  let [firstMs, lastMs] = [0, 0]
  response.on('data', (bytes: Buffer) => {
    let events = frames.push(bytes)
    if (events === 0) return
    const nowMs = performance.now()
    if (firstMs === 0) {
      firstMs = lastMs = nowMs
      events--
    }
    // Events that came together came at one time.
    for (; events > 0; events--) {
      onGap(nowMs - lastMs)
      lastMs = nowMs
    }
  })
  response.on('error', reject)
  response.on('end', () => {
    const tail = frames.tail()
    const usage = usageOf(tail)
    if (usage) {
      const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage
      resolve({ startMs, firstMs, endMs: performance.now(), inputTokens, outputTokens })
    } else {
      const end = tail.join(' ').slice(-300)
      reject(new TrtllmError('internal', `a stream ended before its answer did: ${end}`))
    }
  })
}

interface StreamUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
}

/** What the last event before `[DONE]` says; undefined where the stream does not end so. */
function usageOf(events: readonly string[]): StreamUsage | undefined {
  if (events.at(-1) !== '[DONE]') return undefined
  try {
    return (JSON.parse(events.at(-2) ?? '') as { usage?: StreamUsage }).usage ?? undefined
  } catch {
    return undefined
  }
}

async function refusal(response: IncomingMessage): Promise<TrtllmError> {
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += part
  return new TrtllmError('internal', `the server answered ${response.statusCode}: ${messageOf(text)}`)
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message
  } catch {
    return text.slice(0, 300)
  }
}

const unreachable = (url: string, error: Error): TrtllmError =>
  new TrtllmError('device_unavailable', `${url}: ${error.message}`, { cause: error })
