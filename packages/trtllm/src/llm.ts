import { randomUUID } from 'node:crypto'
import { type EventEmitter, setMaxListeners } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TrtllmError } from '@trtllm/kernels'
import { parseModelConfig } from '@trtllm/models'
import { resolveModel } from '@trtllm/models/checkpoint'
import { type EngineStats, type KvCacheEvent, type RetentionConfig, validateRequest } from '@trtllm/runtime'
import {
  type ChatMessage,
  createToolCallParser,
  loadTokenizer,
  type Tokenizer,
  type ToolCallParser,
} from '@trtllm/text'
import { checkSamplingParams } from './check-sampling-params.js'
import { OutputCollector } from './collect-output.js'
import { type EngineEvents, EngineFront, type EngineState } from './engine-front.js'
import { generateStream } from './generate-stream.js'
import { type GenerationTask, type OnDelta, runGeneration } from './generation.js'
import type { EngineInfo } from './load-model.js'
import { checkLoadOptions, engineConfig, type LoadOptions } from './load-options.js'
import { type ChatPrompt, encodePrompt, isOnePrompt, type Prompt } from './prompt.js'
import type { GenerationDelta, LogitRows, RequestOutput } from './request-output.js'
import { placeOf } from './request-place.js'
import type { SamplingParams } from './sampling-params.js'
import { shownValue } from './shown-value.js'

/** What goes with a call besides sampling. */
export interface GenerateOptions {
  /** Ends the call: it then fails with the signal's reason, and the engine's rows are freed. */
  signal?: AbortSignal | undefined
  /** Milliseconds after which the call fails with `deadline_exceeded`. */
  deadlineMs?: number | undefined
  /** Name of the request; unique among those that run. Default: made up. */
  requestId?: string | undefined
  /** Cached prefixes are shared only among requests of the same salt; without one, among those without. */
  cacheSalt?: string | undefined
  /** 0 to 1, default 0.5: a higher one is admitted before and paused after lower ones. */
  priority?: number | undefined
  /** How long the pages of this request should stay in the cache. */
  kvCacheRetentionConfig?: RetentionConfig | undefined
  /** Who the request is counted against; waiting ones take turns fairly among these. */
  fairnessKey?: string | undefined
  /** Share of that one relative to others. Default 1. */
  fairnessWeight?: number | undefined
}

/** A loaded model: text in, text out. Dispose of it (`await using`) to free its memory. */
export class LLM implements AsyncDisposable {
  readonly #engine: EngineFront
  readonly #tokenizer: Tokenizer | undefined

  private constructor(engine: EngineFront, tokenizer: Tokenizer | undefined) {
    // JavaScript knows no private constructor.
    if (!(engine instanceof EngineFront))
      throw new TrtllmError(
        'invalid_request',
        'new LLM() loads nothing; write: await LLM.load(model, options)',
      )
    this.#engine = engine
    this.#tokenizer = tokenizer
  }

  /**
   * Loads a model from a folder in Hugging Face layout or by hub id, with its tokenizer.
   * @throws TrtllmError; its `exitCode` is the one a command should end with.
   */
  static async load(model: string, options: LoadOptions = {}): Promise<LLM> {
    checkLoadOptions(options)
    if (typeof model !== 'string' || model === '')
      throw new TrtllmError('bad_flag', `the model is ${shownValue(model)}, expected a folder or a hub id`)
    const { signal, isolation = 'thread', onProgress } = options
    signal?.throwIfAborted()
    const directory = await download(model, options, options.loadFormat !== 'dummy')
    // What is no model is refused before an engine is started for it.
    await parseModelConfig(directory)
    signal?.throwIfAborted()
    const engine = new EngineFront(engineConfig(directory, options), isolation, (stage, done, total) =>
      onProgress?.(stage, done, total),
    )
    const release = engine.hold()
    const abort = () => void engine.kill()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const tokenizer = await openTokenizer(directory, options)
      await engine.ready()
      warnOfUnusedTensors(engine.info, options)
      return new LLM(engine, tokenizer)
    } catch (error) {
      // What comes next may need the memory.
      await engine.kill()
      throw signal?.aborted ? signal.reason : error
    } finally {
      signal?.removeEventListener('abort', abort)
      release()
    }
  }

  /** Sizes, memory and device of the loaded model. */
  get info(): EngineInfo {
    return this.#engine.info
  }

  /** @throws TrtllmError unsupported when the model was loaded without one. */
  get tokenizer(): Tokenizer {
    if (this.#tokenizer) return this.#tokenizer
    throw new TrtllmError(
      'unsupported',
      'this model was loaded without a tokenizer; give the option `tokenizer` a folder that has tokenizer.json',
    )
  }

  get hasTokenizer(): boolean {
    return this.#tokenizer !== undefined
  }

  /** Whether requests are served now. */
  get state(): EngineState {
    return this.#engine.state
  }

  /** Deaths and restarts of the engine. */
  get events(): EventEmitter<EngineEvents> {
    return this.#engine.events
  }

  /**
   * Continues one prompt or several; answers come in the order of the prompts. Several run together. A failing prompt
   * fails the call and ends the others. @throws TrtllmError naming the field, or the reason of the signal.
   */
  generate(prompt: Prompt, params?: SamplingParams, options?: GenerateOptions): Promise<RequestOutput>
  generate(
    prompts: readonly Prompt[],
    params?: SamplingParams | readonly SamplingParams[],
    options?: GenerateOptions,
  ): Promise<RequestOutput[]>
  async generate(
    input: Prompt | readonly Prompt[],
    params: SamplingParams | readonly SamplingParams[] = {},
    options: GenerateOptions = {},
  ): Promise<RequestOutput | RequestOutput[]> {
    if (isOnePrompt(input)) return await this.#generateOne(input, paramsAt(params, 0, 1), options)
    const end = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, end.signal]) : end.signal
    // Every prompt listens to it.
    setMaxListeners(0, signal)
    const { requestId } = options
    const runs = input.map((prompt, index) =>
      this.#generateOne(prompt, paramsAt(params, index, input.length), {
        ...options,
        signal,
        ...(requestId !== undefined && { requestId: `${requestId}-${index}` }),
      }),
    )
    try {
      return await Promise.all(runs)
    } catch (error) {
      end.abort(error)
      await Promise.allSettled(runs)
      throw error
    }
  }

  /**
   * Continues a prompt and gives text as it comes; the deltas of a choice join to what `generate` gives. Leaving the
   * loop early frees the engine's rows. @throws as `generate`, when the first delta is asked for.
   */
  async *generateStream(
    prompt: Prompt,
    params: SamplingParams = {},
    options: GenerateOptions = {},
  ): AsyncGenerator<GenerationDelta, void, undefined> {
    const { task } = await this.#prepare(prompt, params, options)
    const stream = generateStream(task, this.#engine, this.#tokenizer)
    try {
      while (true) {
        // A reader that stopped reading does not keep the process alive.
        const { done, value } = await this.#engine.holding(() => stream.next())
        if (done) return
        yield value
      }
    } finally {
      await stream.return()
    }
  }

  /**
   * Continues a prompt and calls `onDelta` with text as it comes, with nothing in between: for programs that serve many
   * prompts at once. Resolves when all choices have ended. What `onDelta` throws ends the call. @throws as `generate`.
   */
  async streamTo(
    onDelta: OnDelta,
    prompt: Prompt,
    params: SamplingParams = {},
    options: GenerateOptions = {},
  ): Promise<void> {
    await this.#engine.holding(async () => {
      const { task } = await this.#prepare(prompt, params, options)
      await runGeneration(task, this.#engine, this.#tokenizer, onDelta)
    })
  }

  /** Answers a conversation by the model's chat template; `tools` and template variables go with `options`. */
  chat(
    messages: readonly ChatMessage[],
    params: SamplingParams = {},
    options: GenerateOptions & Omit<ChatPrompt, 'messages'> = {},
  ): Promise<RequestOutput> {
    const { tools, addGenerationPrompt, chatTemplateKwargs, ...rest } = options
    return this.generate({ messages, tools, addGenerationPrompt, chatTemplateKwargs }, params, rest)
  }

  /** The logits of every position of a prompt, f32 [rows, vocabSize]: row i scores what follows token i. */
  async score(prompt: Prompt, options: GenerateOptions = {}): Promise<LogitRows> {
    const params = { maxTokens: 1, temperature: 0, detokenize: false, returnContextLogits: true }
    const { contextLogits } = await this.generate(prompt, params, options)
    if (contextLogits) return contextLogits
    throw new TrtllmError('internal', 'the engine sent no logits of the prompt')
  }

  /** Statistics since the last call, with TensorRT-LLM's keys, and totals. */
  getStats(): Promise<EngineStats> {
    return this.#engine.stats()
  }

  /**
   * What happened to cached pages since the last call, oldest first, in TensorRT-LLM's shape. Empty unless the model was
   * loaded with `eventBufferMaxSize`.
   */
  getKvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return this.#engine.kvCacheEvents()
  }

  /** A parser that finds tool calls in this model's text, one for each answer. */
  createToolCallParser(): ToolCallParser {
    return createToolCallParser('hermes')
  }

  /** Ends the engine: after the running requests with `drain`, else they fail with `server_shutdown`. */
  async close(options: { drain?: boolean; timeoutMs?: number } = {}): Promise<void> {
    await this.#engine.close(options)
    this.#tokenizer?.[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #generateOne(
    prompt: Prompt,
    params: SamplingParams,
    options: GenerateOptions,
  ): Promise<RequestOutput> {
    return await this.#engine.holding(async () => {
      const { task, encoded } = await this.#prepare(prompt, params, options)
      const collector = new OutputCollector(task.requestId, encoded, task.sampling)
      await runGeneration(task, this.#engine, this.#tokenizer, (delta) => collector.add(delta))
      return collector.output()
    })
  }

  /** Checks and encodes; nothing is submitted. */
  async #prepare(prompt: Prompt, params: SamplingParams, options: GenerateOptions) {
    const { signal, deadlineMs, requestId = randomUUID() } = options
    const { vocabSize, eosIds, maxSeqLen, deterministic } = this.info
    const sampling = checkSamplingParams(params, { vocabSize, eosIds, tokenizer: this.#tokenizer })
    const encoded = await encodePrompt(prompt, sampling, this.#tokenizer, maxSeqLen)
    const place = placeOf(options)
    const request = { ...sampling.engine, ...place, id: requestId, promptIds: encoded.ids }
    // The engine checks again; here the error comes before anything was sent.
    const bounds = { vocabSize, eosIds, maxSeqLen }
    validateRequest(request, bounds)
    const defaultSeed = deterministic ? 0 : undefined
    const promptIds = encoded.ids
    const task: GenerationTask = {
      requestId,
      promptIds,
      sampling,
      place,
      defaultSeed,
      deadlineMs,
      signal,
      bounds,
    }
    return { task, encoded }
  }
}

function paramsAt(
  params: SamplingParams | readonly SamplingParams[],
  index: number,
  count: number,
): SamplingParams {
  if (!Array.isArray(params)) return params as SamplingParams
  if (params.length === count) return params[index]!
  throw new TrtllmError(
    'invalid_request',
    `params has ${params.length} entries for ${count} prompts; give one for all or one for each`,
    { details: { field: 'params', param: 'params' } },
  )
}

async function download(idOrPath: string, options: LoadOptions, weights: boolean): Promise<string> {
  const { revision, signal, onProgress, onWarning } = options
  return await resolveModel(idOrPath, {
    weights,
    ...(revision !== undefined && { revision }),
    ...(signal && { signal }),
    ...(onWarning && { onWarning }),
    ...(onProgress && {
      onProgress: ({ done, total }) => onProgress('downloading', done, total),
    }),
  })
}

/** The tokenizer that goes with the model; made-up weights may come without one. */
async function openTokenizer(directory: string, options: LoadOptions): Promise<Tokenizer | undefined> {
  const { tokenizer, chatTemplate, loadFormat } = options
  if (tokenizer === false) return undefined
  const isFile = statSync(directory, { throwIfNoEntry: false })?.isFile() ?? false
  const own = isFile ? dirname(directory) : directory
  if (tokenizer === undefined && loadFormat === 'dummy' && !existsSync(join(own, 'tokenizer.json')))
    return undefined
  const { revision: _, ...rest } = options
  const folder = tokenizer === undefined ? own : await download(tokenizer, rest, false)
  return loadTokenizer(folder, chatTemplate === undefined ? {} : { chatTemplate })
}

function warnOfUnusedTensors({ unusedTensors }: EngineInfo, { onWarning }: LoadOptions): void {
  if (unusedTensors.length === 0) return
  onWarning?.(`the checkpoint has tensors that the model does not use: ${unusedTensors.join(', ')}`)
}
