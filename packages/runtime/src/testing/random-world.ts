import type { TokenRangeRetention } from '../cache/retention.js'
import type { EngineOptions } from '../engine-options.js'
import type { BeamRequest, EngineRequest } from '../request.js'
import type { BatchWait, CapacityPolicy, ChunkingPolicy } from '../scheduler/budget.js'
import { fakeModel } from './fake-model.js'
import type { SeededRandom } from './seeded-random.js'

const policies: readonly CapacityPolicy[] = [
  'RESERVE_AND_GROW',
  'RESERVE_AND_GROW',
  'MAX_UTILIZATION',
  'MAX_UTILIZATION',
  'GUARANTEED_NO_EVICT',
  'STATIC_BATCH',
]
const chunkings: readonly ChunkingPolicy[] = ['FIRST_COME_FIRST_SERVED', 'EQUAL_PROGRESS']
const waits: readonly Partial<BatchWait>[] = [
  {},
  {},
  { timeoutMs: 5 },
  { timeoutIters: 3, maxTokensRatio: 0.5 },
]

const maxSeqLen = 160
const vocabSize = 97

const pool = (pages: number, window: number) => ({ pages, window })

/** Small random sizes, pools and policies for an engine on the fake device. */
export function randomEngine(random: SeededRandom, windows: boolean) {
  const maxBatchSize = random.integer(1, 6)
  const pages = random.pick([5, 5, 5, 6, 7, 8, 10, 14])
  const window = random.pick([9, 33, 40, 64])
  const few = random.integer(5, 9)
  const pools = windows
    ? random.pick([
        [pool(pages, 0), pool(few, window)],
        [pool(pages, 0), pool(few, window), pool(pages, 17)],
        [pool(few, window)],
      ])
    : random.pick([[pool(pages, 0)], [pool(pages, 0)], [pool(pages + 1, 0), pool(pages, 0)]])
  const model = fakeModel({
    maxBatchSize,
    maxNumTokens: maxBatchSize + random.integer(0, 90),
    maxRows: maxBatchSize + random.integer(0, 4),
    maxSeqLen,
    vocabSize,
    eosIds: [0],
    spareSlots: random.integer(0, 2),
    pools,
    ...(random.next() < 0.3 && { longRopeFromTokens: random.integer(60, 110) }),
  })
  const options: Partial<EngineOptions> = {
    policy: random.pick(policies),
    chunking: random.pick(chunkings),
    batchWait: random.pick(waits),
    prefixAware: random.next() < 0.7,
    reserveTokens: random.integer(1, 40),
    enablePartialReuse: random.next() < 0.7,
    eventBufferMaxSize: random.pick([0, 50]),
    maxFailedSteps: 1_000_000,
  }
  return { model, depth: random.pick([1, 2, 2] as const), options }
}

/** Documents that prompts begin with, so that many share a prefix. */
export class PromptSource {
  readonly #random: SeededRandom
  readonly #documents: readonly (readonly number[])[]
  #requests = 0

  constructor(random: SeededRandom) {
    this.#random = random
    this.#documents = [0, 1].map(() => Array.from({ length: 130 }, () => random.integer(1, vocabSize - 1)))
  }

  /** A request that begins with a document, with an earlier conversation, or with nothing known. */
  next(earlier: readonly number[] | undefined): EngineRequest {
    const random = this.#random
    const tenant = random.pick([0, 0, 0, 0, 0, 1, 2])
    const from = random.next()
    const known = from < 0.1 ? [] : from < 0.4 && earlier ? earlier : random.pick(this.#documents)
    const nearEdge = random.pick([32, 64, 96]) + random.integer(-2, 2)
    const length = Math.min(known.length, random.next() < 0.5 ? nearEdge : random.integer(0, 120))
    const own = Array.from({ length: random.integer(length === 0 ? 1 : 0, 12) }, () =>
      random.integer(1, vocabSize - 1),
    )
    const promptIds = Int32Array.from([...known.slice(0, length), ...own].slice(0, maxSeqLen - 40))
    const number = ++this.#requests
    return {
      id: `r${number}`,
      promptIds,
      // The fake device takes the upper half of the seed for the tenant.
      seed: (BigInt(tenant) << 32n) | BigInt(number),
      ...(tenant > 0 && { cacheSalt: `tenant ${tenant}` }),
      ...(random.next() < 0.7 && { ignoreEos: true }),
      ...(random.next() < 0.1 && { repetitionPenalty: 1.1 }),
      ...(random.next() < 0.1 && { returnContextLogits: true }),
      ...(random.next() < 0.1 && { promptLogprobs: random.integer(0, 3) }),
      ...this.#answering(),
      ...(random.next() < 0.15 && { priority: random.pick([0, 0.5, 1]) }),
      ...(random.next() < 0.15 && { fairnessKey: random.pick(['a', 'b']) }),
      ...(random.next() < 0.2 && { kvCacheRetentionConfig: this.#retention() }),
    }
  }

  #answering(): Partial<EngineRequest> {
    const random = this.#random
    // In the smallest pools beams take turns, and each turn computes everything again.
    if (random.next() < 0.12) return { beams: this.#beams(), maxTokens: random.integer(1, 10) }
    return {
      ...(random.next() < 0.1 && { chosenOutside: true }),
      ...(random.next() < 0.8 && { maxTokens: random.integer(1, 30) }),
      ...(random.next() < 0.1 && { returnGenerationLogits: true }),
    }
  }

  #beams(): BeamRequest {
    const random = this.#random
    const width = random.integer(1, 5)
    return {
      width,
      count: random.integer(1, width),
      lengthPenalty: random.pick([0, 1, -0.5]),
      earlyStopping: random.pick(['full', 'heuristic', 'never']),
      diversityRate: random.pick([0, 0, 0.5]),
      ...(random.next() < 0.2 && { widths: [1, width] }),
    }
  }

  #retention() {
    const random = this.#random
    const tokenRanges: TokenRangeRetention[] = [
      { tokenStart: 0, tokenEnd: random.integer(1, 64), priority: random.integer(0, 100) },
      { tokenStart: 64, priority: random.integer(0, 100), durationMs: random.integer(0, 20) },
    ]
    return { tokenRanges, decodePriority: random.integer(0, 100) }
  }
}
