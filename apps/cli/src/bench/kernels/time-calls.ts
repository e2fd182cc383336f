import type { StepSizes, StepWork } from '@trtllm/graph'
import { type Buffer, dtypeBytes, Executor, type NodeSpec, type Plan, StepRing } from '@trtllm/kernels'
import type { LoadedModel } from 'trtllm/plan-model'
import { fillSlot, fillStep } from './filled-step.js'

const warmUps = 3
/** Runs of a measurement, the best of which counts: at least so many, and more of short ones. */
const repeats = { least: 5, most: 60, microseconds: 10_000 }
/** Calls that one measurement adds to another: more would take long where a call does. */
const added = 8

/** Times calls of a loaded model on its own weights, caches and kernels, in a step that was set up for it. */
export class CallTimer implements Disposable {
  readonly #model: LoadedModel
  readonly #ring: StepRing
  readonly #executor: Executor
  readonly #arena: Buffer
  #sizes: StepSizes = { tokens: 1, rows: 1, seqs: 1 }

  constructor(model: LoadedModel) {
    const { device, layout, compiled } = model
    const { slabWords, resultWords } = layout
    this.#model = model
    this.#ring = StepRing.create(device, { slabWords, resultWords, depth: 1 })
    this.#executor = Executor.create(device, this.#ring)
    this.#arena = device.allocate(compiled.memory.arenaBytes, 'arena of timed calls')
    // Neither zeros, which take less power, nor what is no number.
    const { dtype } = compiled.graph
    const count = Math.floor(this.#arena.bytes / dtypeBytes[dtype])
    device.fillGaussian(this.#arena, { offset: 0, dtype, count }, 1, 1)
  }

  /** Makes the step that calls are part of: its slots have pages, its slab says who computes what. */
  async setUp(step: StepWork): Promise<void> {
    const { layout, pools, compiled } = this.#model
    const slab = this.#ring.slab(0)
    const deltas = compiled.nodes.filter(({ op }) => op === 'apply-deltas')
    using plan = this.#model.part(deltas, this.#arena)
    const pages = pools.map((pool) => pool.pages)
    for (let slot = 0; slot < step.sizes.seqs; slot++) {
      fillSlot(slab, layout, slot, step.context, pages)
      await this.#run(plan, { tokens: 1, rows: 1, seqs: 1 }, false)
    }
    fillStep(slab, layout, step)
    this.#sizes = step.sizes
  }

  /**
   * Seconds of one call among others of its kind, and the name of its kernel. `nodes` come in turns, as the layers of a
   * model do: what a cache still has of a weight is what it has in a model. What every step costs cancels out.
   */
  async seconds(
    nodes: readonly NodeSpec[],
    before: readonly NodeSpec[] = [],
  ): Promise<{ seconds: number; kernel: string }> {
    const taken = (count: number) => Array.from({ length: count }, (_, i) => nodes[i % nodes.length]!)
    const few = await this.#best([...before, ...taken(added)])
    const many = await this.#best([...before, ...taken(2 * added)])
    const gained = many.seconds - few.seconds
    // Where noise hides the difference, what both took together is no less than it.
    return { seconds: gained > 0 ? gained / added : many.seconds / (2 * added), kernel: few.kernel }
  }

  async #best(nodes: readonly NodeSpec[]): Promise<{ seconds: number; kernel: string }> {
    using plan = this.#model.part(nodes, this.#arena)
    const captured = plan.capture(this.#sizes)
    let [best, spent] = [Number.POSITIVE_INFINITY, 0]
    for (let run = 0; run < warmUps; run++) await this.#run(plan, this.#sizes, captured)
    for (let run = 0; run < repeats.most && (run < repeats.least || spent < repeats.microseconds); run++) {
      const microseconds = await this.#run(plan, this.#sizes, captured)
      best = Math.min(best, microseconds)
      spent += microseconds
    }
    return { seconds: best / 1e6, kernel: plan.explain().at(-1)!.kernel }
  }

  #run(plan: Plan, sizes: StepSizes, captured: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#executor.submit(0, [{ plan, ...sizes, captured }], (error, microseconds) =>
        error ? reject(error) : resolve(microseconds),
      )
    })
  }

  [Symbol.dispose](): void {
    this.#executor[Symbol.dispose]()
    this.#ring[Symbol.dispose]()
    this.#arena[Symbol.dispose]()
  }
}
