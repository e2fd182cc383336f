import { wordsPerCopy } from '@trtllm/graph'
import { Executor, type ProgramItem, type StepProbe, StepRing } from '@trtllm/kernels'
import type { CompiledModel } from '../compiled-model.js'
import { decodeBuckets, padDecodeStep } from './decode-bucket.js'
import type { StepCall, StepDone, StepExecutor } from './step-executor.js'

/** Runs steps of a compiled model on its device: one plan a step, on the device's executor thread. */
export class PlanExecutor implements StepExecutor {
  readonly depth: number
  readonly copiesPages: boolean
  readonly #model: CompiledModel
  readonly #ring: StepRing
  readonly #executor: Executor
  readonly #slabs: Int32Array[]
  readonly #results: Int32Array[]
  /** Sizes of recorded decode steps; none where the device records nothing. */
  readonly #buckets: readonly number[]

  constructor(model: CompiledModel, depth: number) {
    const { device, layout } = model
    this.depth = depth
    this.#model = model
    this.copiesPages = model.pageCopies !== undefined
    this.#ring = StepRing.create(device, {
      slabWords: layout.slabWords,
      resultWords: layout.resultWords,
      depth,
    })
    this.#executor = Executor.create(device, this.#ring)
    const entries = Array.from({ length: depth }, (_, ring) => ring)
    this.#slabs = entries.map((ring) => this.#ring.slab(ring))
    this.#results = entries.map((ring) => this.#ring.results(ring))
    const { maxTokens, maxRows, maxSeqs } = layout.limits
    this.#buckets = decodeBuckets(Math.min(maxTokens, maxRows, maxSeqs)).filter((size) =>
      model.plan.capture({ tokens: size, rows: size, seqs: size }),
    )
  }

  slab(ring: number): Int32Array {
    return this.#slabs[ring]!
  }

  results(ring: number): Int32Array {
    return this.#results[ring]!
  }

  submit(call: StepCall, onDone: StepDone): void {
    const step = { plan: this.#model.plan, ...this.#sizes(call), probes: this.#probes(call) }
    this.#executor.submit(call.ring, [...this.#copying(call), step], onDone)
  }

  /**
   * Runs every recorded size twice, with rows that belong to no sequence: once to bring its kernels onto the device, once
   * to record it. Without this the first requests would wait for it, and memory would grow while they run.
   */
  async warmUp(): Promise<void> {
    const [ring, { plan, layout }] = [0, this.#model]
    const slab = this.slab(ring).fill(0)
    for (const size of this.#buckets) {
      padDecodeStep(slab, layout, 0, size)
      const step = { plan, tokens: size, rows: size, seqs: size, captured: true }
      for (let run = 0; run < 2; run++)
        await new Promise<void>((resolve, reject) =>
          this.#executor.submit(ring, [step], (error) => (error ? reject(error) : resolve())),
        )
    }
  }

  /** Page copies come before the step, which may read what they brought and writes behind it. */
  #copying({ ring, copies = [] }: StepCall): ProgramItem[] {
    const { pageCopies, layout } = this.#model
    if (copies.length === 0) return []
    if (!pageCopies) throw new Error('plan executor: the model has no plan that copies pages')
    const slab = this.slab(ring)
    const at = layout.slab.copies
    if (copies.length * wordsPerCopy > at.length) {
      throw new Error(`step slab: ${copies.length} page copies do not fit`)
    }
    slab[layout.slab.numCopies.offset] = copies.length
    for (const [i, { pool, source, destination, tokens }] of copies.entries()) {
      slab.set([pool, source, destination, tokens], at.offset + i * wordsPerCopy)
    }
    return [{ plan: pageCopies, tokens: 0, rows: 0, seqs: 0 }]
  }

  /** A step of one token and one row a sequence is padded to a size that is recorded. */
  #sizes({ ring, tokens, rows, seqs }: StepCall): Omit<ProgramItem, 'plan'> {
    const isDecode = tokens === seqs && rows === seqs
    const bucket = isDecode ? this.#buckets.find((size) => size >= seqs) : undefined
    if (bucket === undefined) return { tokens, rows, seqs }
    padDecodeStep(this.slab(ring), this.#model.layout, seqs, bucket)
    return { tokens: bucket, rows: bucket, seqs: bucket, captured: true }
  }

  /** The plan reads the logits to its end: they are still there after a recorded step. */
  #probes({ logits = [] }: StepCall): StepProbe[] {
    const operand = this.#model.logitsOperand
    return logits.map(({ firstRow, rows, into }) => ({
      operand,
      firstRow,
      rows,
      into: into.buffer,
      late: true,
    }))
  }

  close(): void {
    this.#executor[Symbol.dispose]()
    this.#ring[Symbol.dispose]()
  }
}
