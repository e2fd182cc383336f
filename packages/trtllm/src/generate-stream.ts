import type { EngineRequest, Output } from '@trtllm/runtime'
import type { Tokenizer } from '@trtllm/text'
import type { CheckedSampling } from './check-sampling-params.js'
import { mergeStreams } from './merge-streams.js'
import { OutputProcessor } from './output-processor.js'
import type { GenerationDelta } from './request-output.js'
import type { RequestPlace } from './request-place.js'

/** One prompt with everything that decides its answers. */
export interface GenerationTask {
  readonly requestId: string
  readonly promptIds: Int32Array
  readonly sampling: CheckedSampling
  /** Its place in the queue and the cache. */
  readonly place?: RequestPlace
  /** Seed of sampling that brings none; without it the engine draws one. */
  readonly defaultSeed?: number | undefined
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

type Submit = (request: EngineRequest) => AsyncIterableIterator<Output>

/**
 * Runs the choices of a prompt side by side and gives their deltas as they come. Leaving early or aborting the signal
 * frees the engine's rows. @throws the failure of the request, or the reason of the signal.
 */
export async function* generateStream(
  task: GenerationTask,
  submit: Submit,
  tokenizer: Tokenizer | undefined,
): AsyncGenerator<GenerationDelta, void, undefined> {
  const { promptIds, sampling, signal } = task
  signal?.throwIfAborted()
  const outputs: AsyncIterableIterator<Output>[] = []
  const leave = () => {
    for (const stream of outputs) void stream.return?.()
  }
  signal?.addEventListener('abort', leave, { once: true })
  try {
    for (const request of requestsOf(task)) outputs.push(submit(request))
    const choices = outputs.map((stream, index) =>
      readChoice(stream, new OutputProcessor(index, promptIds, sampling, tokenizer)),
    )
    for await (const delta of mergeStreams(choices)) {
      signal?.throwIfAborted()
      yield delta
    }
    signal?.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', leave)
    leave()
  }
}

async function* readChoice(
  outputs: AsyncIterableIterator<Output>,
  processor: OutputProcessor,
): AsyncGenerator<GenerationDelta, void, undefined> {
  for await (const output of outputs) {
    const delta = processor.accept(output)
    if (delta) yield delta
    // Leaving the loop cancels what the engine still does for a choice that a stop string ended.
    if (delta?.finish) return
  }
}

function* requestsOf({
  requestId,
  promptIds,
  sampling,
  deadlineMs,
  place,
  defaultSeed,
}: GenerationTask): Generator<EngineRequest> {
  const { n } = sampling
  const { promptLogprobs, returnContextLogits, ...engine } = sampling.engine
  // What is told of the prompt is told once.
  const aboutPrompt = {
    ...(promptLogprobs !== undefined && { promptLogprobs }),
    ...(returnContextLogits && { returnContextLogits }),
  }
  const first = engine.seed ?? defaultSeed
  for (let index = 0; index < n; index++) {
    const seed = first === undefined ? {} : { seed: BigInt.asUintN(64, BigInt(first) + BigInt(index)) }
    yield {
      ...engine,
      ...place,
      ...seed,
      id: n === 1 ? requestId : `${requestId}/${index}`,
      promptIds,
      ...(index === 0 && aboutPrompt),
      ...(deadlineMs !== undefined && { deadlineMs }),
    }
  }
}
