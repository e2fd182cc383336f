import {
  type CompiledPlan,
  compile,
  instantiate,
  type Pass,
  probeBytes,
  probeNamed,
  trace,
} from '@trtllm/graph'
import { type Buffer, type Device, Executor, type FloatDType, type Plan, StepRing } from '@trtllm/kernels'
import { loadParams } from '../checkpoint/load-params.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { type Rope, ropeTableOf } from '../rope/rope.js'
import type { StoredWeights } from '../stored-weights.js'
import { writeStep } from './golden-step.js'

const limits = {
  maxTokens: 160,
  maxRows: 160,
  maxSeqs: 3,
  numSlots: 3,
  maxSeqLen: 128,
  maxDeltas: 16,
  maxDeltaWords: 1024,
}

export interface GoldenRunOptions {
  /** Default f32. */
  readonly dtype?: FloatDType
  readonly disabledPasses?: readonly string[]
  /** The pass that keeps weights as the checkpoint does; without it what is f8 there is multiplied out. */
  readonly readStored?: (stored: StoredWeights) => Pass
}

/** A text and the length of its request, prompt and output together, which chooses the rope table. */
export interface GoldenText {
  readonly ids: readonly number[]
  readonly totalTokens: number
}

/** Tokens [from, to) of one text, in one step. */
export interface Piece {
  readonly text: number
  readonly from: number
  readonly to: number
}

/** A checkpoint on a device, run for up to three texts: no scheduler, no engine, only the plan. */
export class GoldenRun implements Disposable {
  private constructor(
    private readonly compiled: CompiledPlan,
    private readonly plan: Plan,
    private readonly ring: StepRing,
    private readonly executor: Executor,
    private readonly rope: Rope,
    private readonly owned: readonly Disposable[],
  ) {}

  /** Opens a checkpoint directory on a device. Expects the model to use every tensor of it. */
  static async open(directory: string, device: Device, options: GoldenRunOptions = {}): Promise<GoldenRun> {
    const { dtype = 'f32', disabledPasses = [], readStored } = options
    using checkpoint = await openCheckpoint(directory)
    const { definition, config, storedWeights } = checkpoint.model
    const quantization = storedWeights && readStored?.(storedWeights)
    const graph = trace(definition, config, { dtype, disabledPasses, ...(quantization && { quantization }) })
    const compiled = compile(graph, { limits, device })
    const { memory, layout, pools, params } = compiled
    const weights = device.allocate(memory.weightsBytes, 'weights')
    const state = device.allocate(memory.stateBytes, 'state')
    state.fill(0)
    const unused = await loadParams(checkpoint, params, device, weights)
    if (unused.length > 0) throw new Error(`the model does not use ${unused.join(', ')}`)
    const pages = layout.maxPages * limits.numSlots
    const caches = pools.map((pool) =>
      pool.caches.map(() => device.allocate(pool.pageBytes * pages, 'cache')),
    )
    const plan = instantiate(compiled, { device, weights, caches, state })
    const { slabWords, resultWords } = layout
    const ring = StepRing.create(device, { slabWords, resultWords, depth: 1 })
    const executor = Executor.create(device, ring)
    const buffers: Buffer[] = [weights, state, ...caches.flat()]
    return new GoldenRun(compiled, plan, ring, executor, config.rope, [executor, ring, plan, ...buffers])
  }

  /** The names of the plan's ops. */
  get ops(): ReadonlySet<string> {
    return new Set(this.compiled.nodes.map(({ op }) => op))
  }

  /** Logits of every position of one text, in steps of at most `chunk` tokens. */
  async logits(ids: readonly number[], chunk: number, totalTokens: number): Promise<Float32Array[]> {
    const schedule: Piece[][] = []
    for (let from = 0; from < ids.length; from += chunk) {
      schedule.push([{ text: 0, from, to: Math.min(ids.length, from + chunk) }])
    }
    return (await this.scheduled([{ ids, totalTokens }], schedule))[0]!
  }

  /** Logits of every position of each text, in steps of these pieces; pieces of a text are in the order of their tokens. */
  async scheduled(
    texts: readonly GoldenText[],
    schedule: readonly (readonly Piece[])[],
  ): Promise<Float32Array[][]> {
    const rows: Float32Array[][] = texts.map(() => [])
    for (const pieces of schedule) {
      const found = await this.step(texts, pieces)
      let at = 0
      for (const { text, from, to } of pieces) {
        rows[text]!.push(...found.slice(at, at + to - from))
        at += to - from
      }
    }
    return rows
  }

  [Symbol.dispose](): void {
    for (const resource of this.owned) resource[Symbol.dispose]()
  }

  private async step(texts: readonly GoldenText[], pieces: readonly Piece[]): Promise<Float32Array[]> {
    const count = pieces.reduce((sum, { from, to }) => sum + to - from, 0)
    const tables = texts.map(({ totalTokens }) => ropeTableOf(this.rope, totalTokens))
    writeStep(this.ring.slab(0), this.compiled.layout, texts, tables, pieces)
    const sizes = { tokens: count, rows: count, seqs: pieces.length }
    const probe = probeNamed(this.compiled, 'logits')
    const into = new ArrayBuffer(probeBytes(probe, sizes))
    await new Promise<void>((resolve, reject) => {
      const program = [{ plan: this.plan, ...sizes, probes: [{ operand: probe.operand, into }] }]
      this.executor.submit(0, program, (error) => (error ? reject(error) : resolve()))
    })
    const width = probe.rowStride
    return Array.from({ length: count }, (_, i) => new Float32Array(into, i * width * 4, width))
  }
}
