import { type CompiledPlan, compile, instantiate, probeBytes, probeNamed, trace } from '@trtllm/graph'
import { type Buffer, type Device, Executor, type Plan, StepRing } from '@trtllm/kernels'
import { loadParams } from '../checkpoint/load-params.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { type Rope, ropeTableOf } from '../rope/rope.js'

const limits = {
  maxTokens: 96,
  maxRows: 96,
  maxSeqs: 1,
  numSlots: 1,
  maxSeqLen: 128,
  maxDeltas: 4,
  maxDeltaWords: 512,
}

/** A checkpoint on a device, run for one sequence: no scheduler, no engine, only the plan. */
export class GoldenRun implements Disposable {
  private constructor(
    private readonly compiled: CompiledPlan,
    private readonly plan: Plan,
    private readonly ring: StepRing,
    private readonly executor: Executor,
    private readonly rope: Rope,
    private readonly owned: readonly Disposable[],
  ) {}

  /** Opens a checkpoint directory in f32 on a device. */
  static async open(directory: string, device: Device, disabledPasses: string[] = []): Promise<GoldenRun> {
    using checkpoint = await openCheckpoint(directory)
    const { definition, config } = checkpoint.model
    const compiled = compile(trace(definition, config, { dtype: 'f32', disabledPasses }), { limits, device })
    const { memory, layout, pools, params } = compiled
    const weights = device.allocate(memory.weightsBytes, 'weights')
    const state = device.allocate(memory.stateBytes, 'state')
    state.fill(0)
    await loadParams(checkpoint, params, device, weights)
    const caches = pools.map((pool) =>
      pool.caches.map(() => device.allocate(pool.pageBytes * layout.maxPages, 'cache')),
    )
    const plan = instantiate(compiled, { device, weights, caches, state })
    const { slabWords, resultWords } = layout
    const ring = StepRing.create(device, { slabWords, resultWords, depth: 1 })
    const executor = Executor.create(device, ring)
    const buffers: Buffer[] = [weights, state, ...caches.flat()]
    return new GoldenRun(compiled, plan, ring, executor, config.rope, [executor, ring, plan, ...buffers])
  }

  /**
   * Logits of every position, computed in steps of at most `chunk` tokens of one sequence.
   * @param totalTokens prompt and output of the request, which chooses the rope table.
   */
  async logits(ids: readonly number[], chunk: number, totalTokens: number): Promise<Float32Array[]> {
    const rows: Float32Array[] = []
    for (let from = 0; from < ids.length; from += chunk) {
      rows.push(...(await this.step(ids, from, Math.min(ids.length, from + chunk), totalTokens)))
    }
    return rows
  }

  [Symbol.dispose](): void {
    for (const resource of this.owned) resource[Symbol.dispose]()
  }

  private async step(
    ids: readonly number[],
    from: number,
    to: number,
    total: number,
  ): Promise<Float32Array[]> {
    const count = to - from
    this.writeSlab(ids, from, to, ropeTableOf(this.rope, total))
    const sizes = { tokens: count, rows: count, seqs: 1 }
    const probe = probeNamed(this.compiled, 'logits')
    const into = new ArrayBuffer(probeBytes(probe, sizes))
    await new Promise<void>((resolve, reject) => {
      const program = [{ plan: this.plan, ...sizes, probes: [{ operand: probe.operand, into }] }]
      this.executor.submit(0, program, (error) => (error ? reject(error) : resolve()))
    })
    const width = probe.rowStride
    return Array.from({ length: count }, (_, i) => new Float32Array(into, i * width * 4, width))
  }

  private writeSlab(ids: readonly number[], from: number, to: number, table: number): void {
    const { slab: at, state, maxPages } = this.compiled.layout
    const slab = this.ring.slab(0)
    const tokens = Array.from({ length: to - from }, (_, i) => i)
    const pages = Array.from({ length: maxPages }, (_, page) => page)
    slab[at.numDeltas.offset] = 2
    slab.set([state.slotTokens.offset, ids.length, 0], at.deltas.offset)
    slab.set([state.pageTable[0]!.offset, maxPages, ids.length], at.deltas.offset + 3)
    slab.set([...ids, ...pages], at.deltaData.offset)
    const each = { tokenSlot: 0, ropeVariant: table, rowSlot: 0, rowSample: 0 } as const
    for (const [name, value] of Object.entries(each)) {
      slab.fill(
        value,
        at[name as keyof typeof each].offset,
        at[name as keyof typeof each].offset + tokens.length,
      )
    }
    slab.set(
      tokens.map((i) => from + i),
      at.positions.offset,
    )
    slab.set(
      tokens.map((i) => from + i),
      at.rowPosition.offset,
    )
    slab.set(tokens, at.logitRows.offset)
    slab.set([0], at.seqSlot.offset)
    slab.set([0, tokens.length], at.seqStart.offset)
    slab.set([to], at.seqContext.offset)
  }
}
