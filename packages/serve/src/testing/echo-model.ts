import { EventEmitter } from 'node:events'
import type {
  ChatPrompt,
  EngineEvents,
  EngineState,
  EngineStats,
  GenerationDelta,
  GenerationFinish,
  IterationStats,
  KvCacheEvent,
  OnDelta,
  TokenLogprob,
} from 'trtllm'
import { ApiError } from '../errors/api-error.js'
import type { GenerationRequest, ServedModel, ServedModelInfo } from '../served-model.js'
import { echoIteration, echoStats } from './echo-stats.js'
import { EchoToolCallParser } from './echo-tool-calls.js'

const endOfText = 256
/** Marks, in a rendered chat, where the text to echo begins. */
const echoMark = '\u0002'

interface EchoEvents {
  started: [id: string]
  /** A stream ended because its signal was aborted. */
  cancelled: [id: string]
  /** All paused streams go on. */
  release: []
}

/** Sizes of an echo model; small ones make limits easy to reach. */
export type EchoOptions = Partial<Pick<ServedModelInfo, 'maxSeqLen' | 'maxBatchSize' | 'maxNumTokens'>>

/**
 * A model without weights that answers with its prompt (in a chat: the last message), one byte a token. A prompt that
 * begins with `hold` pauses after its first token until {@link EchoModel.release}; one that begins with `forever` never
 * ends; one that begins with `fault` throws. Everything else about it is real: n, stops, limits, log-probabilities,
 * cancellation, death.
 */
export class EchoModel extends EventEmitter<EchoEvents> implements ServedModel {
  readonly info: ServedModelInfo
  /** Ids of streams that are open now. */
  readonly open = new Set<string>()
  readonly seen: GenerationRequest[] = []
  lastRender: ChatPrompt | undefined
  state: EngineState = 'ready'
  readonly events = new EventEmitter<EngineEvents>()
  closed = false
  #stats: IterationStats[] = []
  #iterations = 0
  #ended = 0
  #lives = 1

  constructor(options: EchoOptions = {}) {
    super()
    this.setMaxListeners(0)
    this.info = {
      name: 'echo',
      vocabSize: 257,
      maxSeqLen: 4096,
      maxBatchSize: 8,
      maxNumTokens: 1024,
      device: 'none',
      ...options,
    }
  }

  async render(chat: ChatPrompt): Promise<string> {
    this.lastRender = chat
    const { messages } = chat
    const history = messages.slice(0, -1).map(({ role, content }) => `${role}: ${content}\n`)
    return history.join('') + echoMark + (messages.at(-1)?.content ?? '')
  }

  async kvCacheEvents(): Promise<readonly KvCacheEvent[]> {
    return []
  }

  leastTokens(): number {
    return 0
  }

  async encode(text: string): Promise<number[]> {
    return [...Buffer.from(text)]
  }

  decode(ids: readonly number[]): string {
    return Buffer.from(ids.filter((id) => id < endOfText)).toString()
  }

  tokenText(id: number): string {
    return id === endOfText ? '<end>' : Buffer.from([id]).toString('latin1')
  }

  tokenBytes(id: number): Uint8Array {
    return id === endOfText ? new Uint8Array() : Uint8Array.of(id)
  }

  createToolCallParser(): EchoToolCallParser {
    return new EchoToolCallParser()
  }

  async run(request: GenerationRequest, signal: AbortSignal, onDelta: OnDelta): Promise<void> {
    this.seen.push(request)
    this.open.add(request.id)
    this.emit('started', request.id)
    try {
      for (const delta of scoredPrompt(request)) onDelta(delta)
      for (let index = 0; index < (request.sampling.n ?? 1); index++)
        for await (const delta of this.#choice(request, index, signal)) onDelta(delta)
    } finally {
      this.open.delete(request.id)
      this.#ended++
      if (signal.aborted) this.emit('cancelled', request.id)
    }
  }

  async *#choice(
    request: GenerationRequest,
    index: number,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationDelta> {
    const { maxTokens = 1e9, stopTokenIds = [], ignoreEos = false, logprobs } = request.sampling
    const stop = [request.sampling.stop ?? []].flat()
    const mark = request.promptIds.lastIndexOf(echoMark.charCodeAt(0))
    const source = request.promptIds.slice(mark + 1)
    const prompt = this.decode(source)
    if (prompt.startsWith('fault')) throw new Error('echo fault at /home/secret/path 0xdeadbeef00')
    const decoder = new TextDecoder()
    const life = this.#lives
    const limit = Math.min(maxTokens, this.info.maxSeqLen - request.promptIds.length)
    let text = ''
    for (let count = 1; ; count++) {
      if (prompt.startsWith('hold') && count === 2) await this.#released(signal)
      if (count % 64 === 0) await new Promise(setImmediate)
      this.#check(signal, life)
      this.#step()
      const over = count > source.length && !ignoreEos && !prompt.startsWith('forever')
      const id = over ? endOfText : source[(count - 1) % source.length]!
      let piece = over ? decoder.decode() : decoder.decode(Uint8Array.of(id), { stream: true })
      const matched = stop.find((each) => (text + piece).includes(each))
      if (matched !== undefined) {
        const kept = (text + piece).indexOf(matched)
        piece = request.sampling.includeStopStrInOutput ? piece : (text + piece).slice(text.length, kept)
      }
      text += piece
      const stopped = over || matched !== undefined || stopTokenIds.includes(id)
      const usage = { promptTokens: request.promptIds.length, completionTokens: count, cachedTokens: 0 }
      const finish: GenerationFinish | undefined = stopped
        ? { reason: 'stop', stopReason: over ? null : (matched ?? id), usage }
        : count >= limit && !prompt.startsWith('forever')
          ? { reason: 'length', stopReason: null, usage }
          : undefined
      yield {
        index,
        text: piece,
        tokenIds: [id],
        ...(logprobs !== undefined && { logprobs: [logprobOf(id, logprobs)] }),
        ...(finish && { finish }),
      }
      if (finish) return
    }
  }

  async stats(): Promise<EngineStats> {
    const ended = this.#ended
    this.#ended = 0
    return echoStats(this.#stats.splice(0), this.open.size, ended)
  }

  /** Lets every paused stream go on. */
  release(): void {
    this.emit('release')
  }

  /** Ends the engine as a crash would: open streams throw `engine_died`, `fatal` = no new engine comes. */
  die({ error = new Error('killed'), fatal = false } = {}): void {
    this.#lives++
    this.state = 'restarting'
    if (fatal) this.events.emit('fatal', error)
    else this.events.emit('died', error)
    this.release()
  }

  /** The new engine after a death is up. */
  restart(): void {
    this.state = 'ready'
    this.events.emit('ready')
  }

  async close(): Promise<void> {
    this.closed = true
    this.release()
  }

  #check(signal: AbortSignal, life: number): void {
    signal.throwIfAborted()
    if (this.#lives !== life) throw new ApiError('engine_died', 'The engine died.')
  }

  #step(): void {
    this.#iterations++
    if (this.#stats.length < 1000) this.#stats.push(echoIteration(this.#iterations, this.open.size))
  }

  #released(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.off('release', go)
        signal.removeEventListener('abort', go)
        resolve()
      }
      if (signal.aborted) return resolve()
      this.once('release', go)
      signal.addEventListener('abort', go, { once: true })
    })
  }
}

/** The chosen token takes half of the mass, the ids after it half of the rest each. */
function logprobOf(id: number, top: number): TokenLogprob {
  const entry = (at: number) => ({ id: (id + at) % 257, logprob: Math.log(0.5 ** (at + 1)) })
  return { ...entry(0), rank: 1, top: Array.from({ length: top }, (_, at) => entry(at)) }
}

/** What is told of the prompt, where it is asked for: token by token, on choice 0. */
function* scoredPrompt({ promptIds, sampling }: GenerationRequest): Generator<GenerationDelta> {
  const { promptLogprobs: top } = sampling
  if (top === undefined) return
  for (const [at, id] of promptIds.entries()) {
    const part = { firstPosition: at, tokens: [logprobOf(id, top)] }
    if (at > 0) yield { index: 0, text: '', tokenIds: [], promptLogprobs: part }
  }
}
