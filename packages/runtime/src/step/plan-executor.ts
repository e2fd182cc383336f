import { Executor, type ProgramItem, StepRing } from '@trtllm/kernels'
import type { CompiledModel } from '../compiled-model.js'
import type { StepCall, StepDone, StepExecutor } from './step-executor.js'

/** Runs steps of a compiled model on its device: one plan a step, on the device's executor thread. */
export class PlanExecutor implements StepExecutor {
  readonly depth: number
  readonly #model: CompiledModel
  readonly #ring: StepRing
  readonly #executor: Executor
  readonly #slabs: Int32Array[]
  readonly #results: Int32Array[]

  constructor(model: CompiledModel, depth: number) {
    const { device, layout } = model
    this.depth = depth
    this.#model = model
    this.#ring = StepRing.create(device, {
      slabWords: layout.slabWords,
      resultWords: layout.resultWords,
      depth,
    })
    this.#executor = Executor.create(device, this.#ring)
    const entries = Array.from({ length: depth }, (_, ring) => ring)
    this.#slabs = entries.map((ring) => this.#ring.slab(ring))
    this.#results = entries.map((ring) => this.#ring.results(ring))
  }

  slab(ring: number): Int32Array {
    return this.#slabs[ring]!
  }

  results(ring: number): Int32Array {
    return this.#results[ring]!
  }

  submit({ ring, tokens, rows, seqs, logits }: StepCall, onDone: StepDone): void {
    const { plan, logitsOperand } = this.#model
    const probes = logits && { probes: [{ operand: logitsOperand, into: logits.buffer as ArrayBuffer }] }
    const item: ProgramItem = { plan, tokens, rows, seqs, ...probes }
    this.#executor.submit(ring, [item], onDone)
  }

  close(): void {
    this.#executor[Symbol.dispose]()
    this.#ring[Symbol.dispose]()
  }
}
