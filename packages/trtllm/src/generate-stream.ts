import type { Tokenizer } from '@trtllm/text'
import { type GenerationEngine, type GenerationTask, runGeneration } from './generation.js'
import { PushStream } from './push-stream.js'
import type { GenerationDelta } from './request-output.js'

/**
 * The deltas of a generation for a reader who takes them one by one; nothing is submitted before it reads. Leaving early
 * or aborting the signal frees the engine's rows. @throws the failure of the request, or the reason of the signal.
 */
export async function* generateStream(
  task: GenerationTask,
  engine: GenerationEngine,
  tokenizer: Tokenizer | undefined,
): AsyncGenerator<GenerationDelta, void, undefined> {
  const { signal } = task
  signal?.throwIfAborted()
  const leave = new AbortController()
  const either = signal ? AbortSignal.any([signal, leave.signal]) : leave.signal
  const deltas = new PushStream<GenerationDelta>()
  runGeneration({ ...task, signal: either }, engine, tokenizer, (delta) => deltas.push(delta)).then(
    () => deltas.end(),
    (error) => deltas.fail(error),
  )
  try {
    for await (const delta of deltas) {
      signal?.throwIfAborted()
      yield delta
    }
  } finally {
    leave.abort()
  }
}
