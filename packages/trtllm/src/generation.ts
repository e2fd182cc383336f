import type { EngineRequest, Output, OutputSink, RequestBounds, TokenLogprobs } from '@trtllm/runtime'
import type { Tokenizer } from '@trtllm/text'
import { answerDeltas } from './answer-deltas.js'
import type { CheckedSampling } from './check-sampling-params.js'
import { KeepBest } from './keep-best.js'
import { hostSampling, ProcessedChoices } from './logits-processor.js'
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
  /** Of the engine; for sampling with processors. */
  readonly bounds?: RequestBounds
}

/** What a generation needs of an engine. */
export interface GenerationEngine {
  submit(request: EngineRequest, sink: OutputSink): void
  cancel(id: string): void
  choose(id: string, token: number, logprobs?: TokenLogprobs): void
}

/** Hears of new text, in order, as messages of the engine are read. What it throws ends the generation. */
export type OnDelta = (delta: GenerationDelta) => void

/**
 * Runs the choices of a prompt side by side and hands on their deltas as they come. Resolves when all have ended.
 * Aborting the signal frees the engine's rows; nothing is handed on after it. @throws the failure of the request, or the
 * reason of the signal.
 */
export function runGeneration(
  task: GenerationTask,
  engine: GenerationEngine,
  tokenizer: Tokenizer | undefined,
  onDelta: OnDelta,
): Promise<void> {
  const { n, bestOf, engine: own } = task.sampling
  const makesMore = bestOf > n && !own.beams
  const best = makesMore && new KeepBest(bestOf, n, own.logprobs !== undefined, onDelta)
  const hears: OnDelta = best ? (delta) => best.accept(delta) : onDelta
  return new Promise((resolve, reject) =>
    new Generation(makesMore ? makingAll(task) : task, engine, tokenizer, hears, resolve, reject).begin(),
  )
}

/** The task that makes every answer of `bestOf`, with what they are ranked by. */
function makingAll(task: GenerationTask): GenerationTask {
  const { bestOf, engine } = task.sampling
  const sampling = { ...task.sampling, n: bestOf, engine: { ...engine, logprobs: engine.logprobs ?? 0 } }
  return { ...task, sampling }
}

/**
 * The choices of one prompt. It is over once: when all have ended, when one fails, when the signal aborts.
 *
 * PERF: a token goes from the engine's message to `onDelta` in one call without promises; each async generator on its
 * way took about a microsecond.
 */
class Generation {
  /** Ids of the choices that the engine works on. */
  readonly #live = new Set<string>()
  /** Those whose tokens are drawn here. */
  readonly #choices = new Map<string, ProcessedChoices>()
  readonly #task: GenerationTask
  readonly #engine: GenerationEngine
  readonly #tokenizer: Tokenizer | undefined
  readonly #onDelta: OnDelta
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  #isOver = false

  constructor(
    task: GenerationTask,
    engine: GenerationEngine,
    tokenizer: Tokenizer | undefined,
    onDelta: OnDelta,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#task = task
    this.#engine = engine
    this.#tokenizer = tokenizer
    this.#onDelta = onDelta
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    const { signal, promptIds, sampling } = this.#task
    if (signal?.aborted) {
      this.#reject(signal.reason)
      return
    }
    signal?.addEventListener('abort', this.#abort, { once: true })
    const requests = [...requestsOf(this.#task)]
    for (const { id } of requests) this.#live.add(id)
    try {
      const processors = Array.from(
        { length: sampling.n },
        (_, index) => new OutputProcessor(index, promptIds, sampling, this.#tokenizer),
      )
      for (const [index, request] of requests.entries()) {
        if (request.chosenOutside) this.#choices.set(request.id, this.#beginChoices(request))
        const ofChoice = processors[index]!
        const read = request.beams
          ? (output: Output) => this.#answers(output, processors)
          : (output: Output) => ofChoice.accept(output)
        this.#engine.submit(request, this.#sink(request.id, ofChoice, read))
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #sink(
    id: string,
    processor: OutputProcessor,
    accept: (output: Output) => GenerationDelta | undefined,
  ): OutputSink {
    const tell = (read: () => GenerationDelta | undefined, isLast: boolean) => {
      if (this.#isOver) return
      try {
        const delta = read()
        if (delta) this.#onDelta(delta)
        if (isLast || delta?.finish) this.#ended(id, isLast)
      } catch (error) {
        this.#fail(error)
      }
    }
    return {
      token: (token) => tell(() => processor.token(token), false),
      output: (output: Output) => {
        tell(() => accept(output), output.finish !== undefined)
        if (output.awaits) void this.#choose(id, output.awaits)
      },
    }
  }

  #beginChoices(request: EngineRequest): ProcessedChoices {
    const { sampling, bounds } = this.#task
    return new ProcessedChoices(request, sampling.processors, hostSampling(), bounds!)
  }

  async #choose(id: string, logits: Float32Array): Promise<void> {
    try {
      const choice = await this.#choices.get(id)?.next(logits)
      if (choice && this.#live.has(id) && !this.#isOver)
        this.#engine.choose(id, choice.token, choice.logprobs)
    } catch (error) {
      this.#fail(error)
    }
  }

  #answers(output: Output, processors: readonly OutputProcessor[]): undefined {
    for (const delta of answerDeltas(output, processors)) {
      if (this.#isOver) return
      this.#onDelta(delta)
    }
  }

  /** A choice that a stop string ended goes on in the engine until it is told. */
  #ended(id: string, byEngine: boolean): void {
    if (!this.#live.delete(id)) return
    this.#choices.get(id)?.[Symbol.dispose]()
    this.#choices.delete(id)
    if (!byEngine) this.#engine.cancel(id)
    if (this.#live.size === 0 && this.#close()) this.#resolve()
  }

  readonly #abort = () => this.#fail(this.#task.signal!.reason)

  #fail(error: unknown): void {
    if (!this.#close()) return
    for (const id of this.#live) this.#engine.cancel(id)
    this.#reject(error)
  }

  /** Whether this call ended it. */
  #close(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#task.signal?.removeEventListener('abort', this.#abort)
    for (const choices of this.#choices.values()) choices[Symbol.dispose]()
    this.#choices.clear()
    return true
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
  // A search is one request, whatever it returns.
  const requests = engine.beams ? 1 : n
  for (let index = 0; index < requests; index++) {
    const seed = first === undefined ? {} : { seed: BigInt.asUintN(64, BigInt(first) + BigInt(index)) }
    yield {
      ...engine,
      ...place,
      ...seed,
      id: requests === 1 ? requestId : `${requestId}/${index}`,
      promptIds,
      ...(index === 0 && aboutPrompt),
      ...(deadlineMs !== undefined && { deadlineMs }),
    }
  }
}
