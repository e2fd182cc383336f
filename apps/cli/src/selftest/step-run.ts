import { type CompiledPlan, compile, instantiate, type StepLimits, trace } from '@trtllm/graph'
import {
  type Device,
  type Buffer as DeviceBuffer,
  Executor,
  type FloatDType,
  maxLogprobs,
  type Plan,
  StepRing,
  samplingWords,
  samplingWordsPerSlot,
} from '@trtllm/kernels'
import { loadParams, openCheckpoint } from '@trtllm/models/checkpoint'

const limits: Omit<StepLimits, 'pageTokens' | 'numPools'> = {
  maxTokens: 16,
  maxRows: 1,
  maxSeqs: 1,
  numSlots: 1,
  maxSeqLen: 128,
  maxDeltas: 4,
  maxDeltaWords: 512,
}

/** A model on a device with one sequence: no scheduler, no engine, only steps of its plan. */
export class StepRun implements Disposable {
  private constructor(
    private readonly compiled: CompiledPlan,
    private readonly plan: Plan,
    private readonly ring: StepRing,
    private readonly executor: Executor,
    private readonly changing: readonly DeviceBuffer[],
    private readonly owned: readonly Disposable[],
  ) {}

  /** Loads a checkpoint. The device stays the caller's. */
  static async open(directory: string, device: Device, dtype: FloatDType): Promise<StepRun> {
    using checkpoint = await openCheckpoint(directory)
    const { definition, config } = checkpoint.model
    const compiled = compile(trace(definition, config, { dtype }), { limits, device })
    const { memory, layout, pools, params } = compiled
    const weights = device.allocate(memory.weightsBytes, 'weights')
    await loadParams(checkpoint, params, device, weights)
    const state = device.allocate(memory.stateBytes, 'slot state')
    const caches = pools.map(({ caches, pageBytes }) =>
      caches.map(() => device.allocate(pageBytes * layout.maxPages, 'KV cache')),
    )
    const plan = instantiate(compiled, { device, weights, caches, state })
    const { slabWords, resultWords } = layout
    const ring = StepRing.create(device, { slabWords, resultWords, depth: 1 })
    const executor = Executor.create(device, ring)
    const changing = [state, ...caches.flat()]
    return new StepRun(compiled, plan, ring, executor, changing, [executor, ring, plan, weights, ...changing])
  }

  /** Whether steps of that many tokens can be recorded here. */
  record(tokens: number): boolean {
    return this.plan.capture({ tokens, rows: 1, seqs: 1 })
  }

  /**
   * Runs a step over the first tokens of a sequence and samples the next, from a state that is all zero.
   * @returns every byte that a step changes: slot state, KV cache and results.
   */
  async step(ids: readonly number[], captured: boolean): Promise<Uint8Array> {
    for (const buffer of this.changing) buffer.fill(0)
    this.ring.results(0).fill(0)
    this.#writeSlab(ids)
    await new Promise<void>((resolve, reject) => {
      const item = { plan: this.plan, tokens: ids.length, rows: 1, seqs: 1, captured }
      this.executor.submit(0, [item], (error) => (error ? reject(error) : resolve()))
    })
    const parts = this.changing.map((buffer) => {
      const bytes = new Uint8Array(buffer.bytes)
      buffer.read(bytes)
      return bytes
    })
    const results = this.ring.results(0)
    return Buffer.concat([...parts, new Uint8Array(results.buffer, results.byteOffset, results.byteLength)])
  }

  [Symbol.dispose](): void {
    for (const resource of this.owned) resource[Symbol.dispose]()
  }

  #writeSlab(ids: readonly number[]): void {
    const { slab: at, state, maxPages } = this.compiled.layout
    const slab = this.ring.slab(0)
    const last = ids.length - 1
    const deltas: [number, readonly number[]][] = [
      [state.slotTokens.offset, ids],
      ...state.pageTable.map(({ offset }): [number, number[]] => [offset, range(maxPages)]),
      [state.sampling.offset, [...samplingRecord(ids.length)]],
    ]
    slab.fill(0)
    slab[at.numDeltas.offset] = deltas.length
    let words = 0
    for (const [index, [destination, data]] of deltas.entries()) {
      slab.set([destination, data.length, words], at.deltas.offset + 3 * index)
      slab.set(data, at.deltaData.offset + words)
      words += data.length
    }
    slab.set(range(ids.length), at.positions.offset)
    slab.set([0, ids.length], at.seqStart.offset)
    slab.set([ids.length], at.seqContext.offset)
    slab.set([last], at.logitRows.offset)
    slab.set([last], at.rowPosition.offset)
    slab.set([1], at.rowSample.offset)
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** Sampling with all its parts on: temperature, a seed, and as many log-probabilities as there can be. */
function samplingRecord(promptLength: number): Int32Array {
  const record = new Int32Array(samplingWordsPerSlot)
  const floats = new Float32Array(record.buffer)
  floats[samplingWords.temperature] = 0.7
  floats[samplingWords.topP] = 0.95
  floats[samplingWords.repetitionPenalty] = 1.1
  floats[samplingWords.topPDecay] = 1
  record[samplingWords.processes] = 1
  record[samplingWords.seedLow] = 7
  record[samplingWords.promptLength] = promptLength
  record[samplingWords.numLogprobs] = maxLogprobs
  return record
}
