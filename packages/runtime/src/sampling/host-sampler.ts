import {
  type Buffer,
  Device,
  type DType,
  Executor,
  listWordsPerSlot,
  maxLogprobs,
  type OperandSpec,
  Plan,
  rowTasks,
  StepRing,
  samplingWordsPerSlot,
  TrtllmError,
} from '@trtllm/kernels'
import type { EngineRequest, TokenLogprobs } from '../request.js'
import { encodeSampling, endIdsOf } from './sampling-record.js'
import type { RequestBounds } from './validate-request.js'

/** A token that was drawn on the host. */
export interface HostChoice {
  readonly token: number
  /** Of the logits as the model gave them, where the request asks for them. */
  readonly logprobs?: TokenLogprobs
}

/**
 * Draws tokens of logits that lie in host memory, by the CPU backend's own kernels: the same rules in the same order as a
 * device that samples in its step. One device and one thread for all sequences.
 */
export class HostSampling implements Disposable {
  readonly #device = Device.open('cpu', { threads: 1 })
  readonly #ring = StepRing.create(this.#device, { slabWords: 64, resultWords: 64, depth: 1 })
  readonly #executor = Executor.create(this.#device, this.#ring)

  /** A sampler for one request; `seed` is that of one that brings none. */
  begin(request: EngineRequest, bounds: RequestBounds, seed: bigint): HostSampler {
    return new HostSampler(this.#device, (plan) => this.#run(plan), request, bounds, seed)
  }

  #run(plan: Plan): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#executor.submit(0, [{ plan, tokens: 1, rows: 1, seqs: 1 }], (error) =>
        error ? reject(error) : resolve(),
      ),
    )
  }

  [Symbol.dispose](): void {
    this.#executor[Symbol.dispose]()
    this.#ring[Symbol.dispose]()
    this.#device[Symbol.dispose]()
  }
}

type Place = readonly [dtype: DType, ...shape: number[]]

/** Samples one sequence: penalize, sample and logprobs as a plan of one row over one slot. */
export class HostSampler implements Disposable {
  readonly #run: (plan: Plan) => Promise<void>
  readonly #numLogprobs: number | undefined
  readonly #buffers: Readonly<Record<string, Buffer>>
  readonly #plan: Plan
  #length: number
  #running: Promise<void> = Promise.resolve()

  /** @internal Use `HostSampling.begin`. */
  constructor(
    device: Device,
    run: (plan: Plan) => Promise<void>,
    request: EngineRequest,
    { vocabSize, maxSeqLen, eosIds }: RequestBounds,
    drawnSeed: bigint,
  ) {
    this.#run = run
    this.#numLogprobs = request.logprobs
    this.#length = request.promptIds.length
    const mostTokens = Math.min(maxSeqLen, this.#length + (request.maxTokens ?? maxSeqLen))
    const places = placesOf(vocabSize, mostTokens)
    const names = Object.keys(places)
    this.#buffers = Object.fromEntries(
      Object.entries(places).map(([name, [, ...shape]]) => {
        const buffer = device.allocate(4 * shape.reduce((size, length) => size * length, 1), `host ${name}`)
        buffer.fill(0)
        return [name, buffer]
      }),
    )
    this.#plan = Plan.create(device, {
      limits: { tokens: 1, rows: 1, seqs: 1 },
      arenaBytes: 0,
      operands: Object.entries(places).map(([name, place]) => operand(place, this.#buffers[name]!)),
      nodes: Object.entries(nodes).map(([op, operands]) => ({
        op,
        operands: operands.map((name) => names.indexOf(name)),
        attributes: [],
        label: `host ${op}`,
      })),
    })
    const seed = request.seed === undefined ? drawnSeed : BigInt(request.seed)
    const { record, lists } = encodeSampling(request, endIdsOf(request, eosIds), seed)
    this.#buffers.sampling!.write(record)
    for (const { offset, words } of lists) this.#buffers.lists!.write(words, 4 * offset)
    this.#buffers.slotTokens!.write(request.promptIds)
    this.#buffers.rowSample!.write(Int32Array.of(rowTasks.sample))
  }

  /**
   * The next token: drawn by `logits`, its log probabilities those of `raw`, both f32[vocab]. The token is taken into the
   * sequence. @throws TrtllmError out_of_range for a list of another length.
   */
  async next(raw: Float32Array, logits: Float32Array): Promise<HostChoice> {
    const { logits: changed, raw: given, rowPosition } = this.#buffers
    if (4 * logits.length !== changed!.bytes)
      throw new TrtllmError('out_of_range', `${logits.length} logits, expected ${changed!.bytes / 4}`)
    changed!.write(logits)
    given!.write(raw)
    rowPosition!.write(Int32Array.of(this.#length - 1))
    this.#running = this.#run(this.#plan)
    await this.#running
    this.#length++
    const token = this.#words('token', 1)[0]!
    return this.#numLogprobs === undefined
      ? { token }
      : { token, logprobs: this.#logprobs(this.#numLogprobs) }
  }

  /** Frees it when what it is drawing is drawn. */
  [Symbol.dispose](): void {
    const free = () => {
      this.#plan[Symbol.dispose]()
      for (const buffer of Object.values(this.#buffers)) buffer[Symbol.dispose]()
    }
    this.#running.then(free, free)
  }

  #logprobs(count: number): TokenLogprobs {
    const floats = (name: string, length: number) => new Float32Array(this.#words(name, length).buffer)
    return {
      logprob: floats('chosen', 1)[0]!,
      rank: this.#words('rank', 1)[0]!,
      topIds: this.#words('topIds', maxLogprobs).slice(0, count),
      topLogprobs: floats('topLogprobs', maxLogprobs).slice(0, count),
    }
  }

  #words(name: string, length: number): Int32Array {
    const words = new Int32Array(length)
    this.#buffers[name]!.read(words)
    return words
  }
}

/** Operands of each op in the order of its schema. */
const nodes = {
  penalize: ['logits', 'rowSlot', 'rowPosition', 'rowSample', 'slotTokens', 'sampling', 'lists', 'processed'],
  sample: [
    ...['logits', 'processed', 'rowSlot', 'rowPosition', 'rowSample', 'sampling', 'slotTokens'],
    ...['token', 'slotTokens'],
  ],
  logprobs: [
    ...['raw', 'processed', 'token', 'rowSlot', 'rowSample', 'rowTarget', 'sampling'],
    ...['chosen', 'rank', 'topIds', 'topLogprobs'],
  ],
} as const

const placesOf = (vocabSize: number, length: number): Readonly<Record<string, Place>> => ({
  logits: ['f32', 1, vocabSize],
  raw: ['f32', 1, vocabSize],
  processed: ['f32', 1, vocabSize],
  rowSlot: ['i32', 1],
  rowPosition: ['i32', 1],
  rowSample: ['i32', 1],
  rowTarget: ['i32', 1],
  slotTokens: ['i32', 1, length],
  sampling: ['i32', 1, samplingWordsPerSlot],
  lists: ['i32', 1, listWordsPerSlot],
  token: ['i32', 1],
  chosen: ['f32', 1],
  rank: ['i32', 1],
  topIds: ['i32', 1, maxLogprobs],
  topLogprobs: ['f32', 1, maxLogprobs],
})

const constant = (size: number) => ({ constant: size, tokens: 0, rows: 0, seqs: 0 })

function operand([dtype, ...shape]: Place, buffer: Buffer): OperandSpec {
  return {
    ...{ space: 'buffer', buffer, offset: 0, dtype, layout: 'strided', strides: [] },
    shape: shape.map(constant),
  }
}
