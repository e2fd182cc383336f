import type { StepLayout } from '@trtllm/graph'
import { maxLogprobs, rowTasks, samplingWords, type TrtllmError } from '@trtllm/kernels'
import type { PagePoolSpec } from '../cache/page-pool.js'
import type { StepCall, StepDone, StepExecutor } from '../step/step-executor.js'
import { mix, nonceOf } from './content-hash.js'
import { fakeCandidates, fakeLogit, fakeLogprobs, fakeToken } from './fake-sampler.js'
import { HazardAudit } from './hazard-audit.js'
import { PagedContent, type PageUser } from './paged-content.js'
import { SlotState } from './slot-state.js'

export interface FakeDeviceOptions {
  readonly layout: StepLayout
  readonly pools: readonly PagePoolSpec[]
  readonly vocabSize: number
  /** Ring entries; 2 by default. */
  readonly depth?: number
  /** Called after each submission, for instance to run the step later; without it the test calls `runNext`. */
  readonly onSubmit?: (device: FakeDevice) => void
}

interface Submitted {
  readonly number: number
  readonly call: StepCall
  readonly onDone: StepDone
}

/** Where a token of a step attends from. */
interface Query {
  readonly slot: number
  readonly position: number
  readonly variant: number
}

/**
 * A content-checking device for tests without the addon. It keeps slot state and KV pages as a real one does and reads
 * them only through the slab, the slots and the page tables; its next token is a hash of what it read. A page that is
 * stale, foreign, half written or given away too early changes tokens or raises `foreignReads` and `hazards`.
 */
export class FakeDevice implements StepExecutor {
  readonly depth: number
  readonly copiesPages = true
  readonly #options: FakeDeviceOptions
  readonly #layout: StepLayout
  readonly #slabs: Int32Array[]
  readonly #results: Int32Array[]
  readonly #state: SlotState
  readonly #pools: PagedContent[]
  readonly #audit: HazardAudit
  readonly #queue: Submitted[] = []
  readonly #doomed = new Set<number>()
  readonly #refusals = new Map<number, TrtllmError>()
  readonly #failures = new Map<number, TrtllmError>()
  #submitted = 0
  closed = false
  /** Steps executed, tokens computed and rows sampled so far. */
  readonly executed = { steps: 0, tokens: 0, sampled: 0 }

  constructor(options: FakeDeviceOptions) {
    this.#options = options
    this.#layout = options.layout
    this.depth = options.depth ?? 2
    const ring = Array.from({ length: this.depth })
    this.#slabs = ring.map(() => new Int32Array(options.layout.slabWords))
    this.#results = ring.map(() => new Int32Array(options.layout.resultWords))
    this.#state = new SlotState(options.layout)
    this.#pools = options.pools.map((spec) => new PagedContent(spec))
    this.#audit = new HazardAudit(options.layout, options.pools)
  }

  /** Steps submitted and not executed yet. */
  get numQueued(): number {
    return this.#queue.length
  }

  /** Steps submitted so far, refused ones included. */
  get numSubmitted(): number {
    return this.#submitted
  }

  /** Page entries read so far, those that another request wrote, and those that the reader must not find. */
  get reads(): { total: number; shared: number; foreign: number } {
    const sum = (of: (pool: PagedContent) => number) =>
      this.#pools.reduce((total, pool) => total + of(pool), 0)
    return {
      total: sum((pool) => pool.reads),
      shared: sum((pool) => pool.sharedReads),
      foreign: sum((pool) => pool.foreignReads),
    }
  }

  get hazards(): number {
    return this.#audit.hazards
  }

  /** How far submitted steps have come with the request of this seed, and the last of them; undefined before the first. */
  seen(seed: number): { readonly reached: number; readonly step: number } | undefined {
    return this.#audit.seen.get(nonceOf(seed, 0))
  }

  slab(ring: number): Int32Array {
    return this.#slabs[ring]!
  }

  results(ring: number): Int32Array {
    return this.#results[ring]!
  }

  /** Makes the step with this number (from 1) fail after its deltas were applied. */
  failStep(number: number, error: TrtllmError): void {
    this.#failures.set(number, error)
  }

  /** Makes `submit` throw at its call with this number (from 1). */
  refuseStep(number: number, error: TrtllmError): void {
    this.#refusals.set(number, error)
  }

  submit(call: StepCall, onDone: StepDone): void {
    if (this.closed) throw new Error('fake device: submitted after close')
    if (this.#queue.some((other) => other.call.ring === call.ring)) {
      throw new Error(`fake device: ring entry ${call.ring} is in flight`)
    }
    const number = ++this.#submitted
    const refusal = this.#refusals.get(number)
    if (refusal) throw refusal
    this.#audit.submitted(number, call, this.slab(call.ring))
    this.#queue.push({ number, call, onDone })
    this.#options.onSubmit?.(this)
  }

  /** Executes the oldest submitted step and reports it; false when there is none. */
  runNext(): boolean {
    const step = this.#queue.shift()
    if (!step) return false
    const slab = this.slab(step.call.ring)
    this.#audit.executing(step.number, slab)
    this.#state.applyDeltas(slab)
    const failure = this.#failures.get(step.number) ?? null
    if (failure === null) this.#forward(step, slab)
    else this.#doom(step.call, slab)
    this.#audit.retired(step.number)
    this.executed.steps++
    step.onDone(failure, 1000, 10)
    return true
  }

  close(): void {
    while (this.runNext());
    this.closed = true
  }

  /** A failed step leaves holes in the pages of its sequences: what they read later is worthless and unused. */
  #doom(call: StepCall, slab: Int32Array): void {
    for (let seq = 0; seq < call.seqs; seq++) {
      this.#doomed.add(this.#state.nonce(slab[this.#layout.slab.seqSlot.offset + seq]!))
    }
  }

  #forward({ number, call }: Submitted, slab: Int32Array): void {
    const queries = this.#queries(call, slab)
    for (const { pool, source, destination, tokens } of call.copies ?? []) {
      this.#pools[pool]!.copy(source, destination, tokens)
    }
    this.#write(number, call, slab)
    this.executed.tokens += call.tokens
    for (let row = 0; row < call.rows; row++) this.#row(row, call, slab, queries)
  }

  /** As kv-write does: each token to its own slot and position. */
  #write(epoch: number, call: StepCall, slab: Int32Array): void {
    const { tokenSlot, positions, ropeVariant } = this.#layout.slab
    let user: PageUser = { nonce: 0, tenant: 0, variant: 0 }
    let tokens: Int32Array = this.#state.words
    let tables: Int32Array[] = []
    for (let i = 0, slot = -1; i < call.tokens; i++) {
      if (slot !== slab[tokenSlot.offset + i]!) {
        slot = slab[tokenSlot.offset + i]!
        user = this.#user(slot, slab[ropeVariant.offset + i]!)
        tokens = this.#state.tokens(slot)
        tables = this.#pools.map((_, pool) => this.#state.pageTable(pool, slot))
      }
      const position = slab[positions.offset + i]!
      for (let k = 0; k < tables.length; k++) {
        this.#pools[k]!.write(tables[k]!, user, position, tokens[position]!, epoch)
      }
    }
  }

  /** As paged attention does: slot and position of each token from its sequence's slot, start and context. */
  #queries(call: StepCall, slab: Int32Array): Query[] {
    const { seqSlot, seqStart, seqContext, ropeVariant } = this.#layout.slab
    const queries: Query[] = []
    for (let seq = 0; seq < call.seqs; seq++) {
      const first = slab[seqStart.offset + seq]!
      const end = slab[seqStart.offset + seq + 1]!
      const slot = slab[seqSlot.offset + seq]!
      for (let i = first; i < end; i++)
        queries[i] = {
          slot,
          position: slab[seqContext.offset + seq]! - end + i,
          variant: slab[ropeVariant.offset + i]!,
        }
    }
    return queries
  }

  #row(row: number, call: StepCall, slab: Int32Array, queries: readonly Query[]): void {
    const at = this.#layout.slab
    const { result } = this.#layout
    const out = this.results(call.ring)
    const slot = slab[at.rowSlot.offset + row]!
    const query = queries[slab[at.logitRows.offset + row]!]!
    const content = this.#content(query)
    const { vocabSize } = this.#options
    for (const { firstRow, rows, into } of call.logits ?? []) {
      const first = (row - firstRow) * vocabSize
      if (row < firstRow || row >= firstRow + rows) continue
      for (let id = 0; id < vocabSize; id++) into[first + id] = fakeLogit(content, id)
    }
    const task = slab[at.rowSample.offset + row]!
    const rowPosition = slab[at.rowPosition.offset + row]!
    const words = this.#state.sampling(slot)
    if (task !== rowTasks.sample) {
      out[result.token.offset + row] = -1
      if (task === rowTasks.score)
        this.#writeLogprobs(row, fakeLogprobs(mix(content, slab[at.rowTarget.offset + row]!)), out)
      if (task === rowTasks.candidates)
        this.#writeLogprobs(row, fakeCandidates(content, rowPosition, words, vocabSize), out)
      return
    }
    const sampled = fakeToken(content, rowPosition, words, vocabSize)
    this.#state.tokens(slot)[rowPosition + 1] = sampled
    out[result.token.offset + row] = sampled
    this.executed.sampled++
    if (words.record[samplingWords.numLogprobs]! >= 0) this.#writeLogprobs(row, fakeLogprobs(content), out)
  }

  #content({ slot, position, variant }: Query): number {
    const user = this.#user(slot, variant)
    const isDoomed = this.#doomed.has(user.nonce)
    let hash = 0
    for (const [index, pool] of this.#pools.entries()) {
      hash = mix(hash, pool.hash(this.#state.pageTable(index, slot), position, user, isDoomed))
    }
    return hash
  }

  #user(slot: number, variant: number): PageUser {
    return { nonce: this.#state.nonce(slot), tenant: this.#state.tenant(slot), variant }
  }

  #writeLogprobs(row: number, values: Partial<ReturnType<typeof fakeLogprobs>>, out: Int32Array): void {
    const { result } = this.#layout
    const floats = new Float32Array(out.buffer, out.byteOffset, out.length)
    const { logprob = 0, rank = 0, topIds = [], topLogprobs = [] } = values
    floats[result.logprob.offset + row] = logprob
    out[result.rank.offset + row] = rank
    out.set(topIds, result.topIds.offset + row * maxLogprobs)
    floats.set(topLogprobs, result.topLogprobs.offset + row * maxLogprobs)
  }
}
