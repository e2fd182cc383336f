import { randomBytes } from 'node:crypto'
import {
  type EngineRequest,
  type HostChoice,
  type HostSampler,
  HostSampling,
  type RequestBounds,
} from '@trtllm/runtime'

/**
 * Changes the logits of a next token in place: f32[vocab], as the model gave them; -Infinity rules an id out. `tokenIds`:
 * prompt and answer so far. It may be asynchronous; what it throws ends the call.
 */
export type LogitsProcessor = (
  requestId: string,
  logits: Float32Array,
  tokenIds: readonly number[],
) => void | Promise<void>

/** Runs processors over the logits of one answer and draws its tokens. */
export class ProcessedChoices implements Disposable {
  readonly #request: EngineRequest
  readonly #processors: readonly LogitsProcessor[]
  readonly #sampler: HostSampler
  readonly #tokenIds: number[]

  constructor(
    request: EngineRequest,
    processors: readonly LogitsProcessor[],
    sampling: HostSampling,
    bounds: RequestBounds,
  ) {
    this.#request = request
    this.#processors = processors
    this.#sampler = sampling.begin(request, bounds, randomBytes(8).readBigUInt64LE())
    this.#tokenIds = [...request.promptIds]
  }

  /** The next token, taken into the answer. @throws what a processor throws. */
  async next(raw: Float32Array): Promise<HostChoice> {
    const logits = raw.slice()
    for (const process of this.#processors) await process(this.#request.id, logits, this.#tokenIds)
    const choice = await this.#sampler.next(raw, logits)
    this.#tokenIds.push(choice.token)
    return choice
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]()
  }
}

let shared: HostSampling | undefined

/** The host's sampling, opened when a processor first needs it and kept: it holds a thread and no model. */
export const hostSampling = (): HostSampling => (shared ??= new HostSampling())
