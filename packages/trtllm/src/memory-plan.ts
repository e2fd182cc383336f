import { type CompiledPlan, fixedBytes, pageTokens, poolPageBytes } from '@trtllm/graph'
import { type DeviceKind, TrtllmError } from '@trtllm/kernels'
import { pagesOfPool } from '@trtllm/runtime'
import type { EngineConfig } from './load-options.js'
import type { Sizes } from './step-limits.js'
import { workspaceBytes } from './workspace-bytes.js'

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

/** Largest KV cache on the CPU, and its share of the free memory, when nothing else is said. */
const cpuCache = { bytes: 4 * gibibyte, share: 0.25 }
const defaultFraction = 0.9

/** Steps submitted before the first is read. */
const maxInFlightSteps = 2

/** Where a model is to be put. Memory in bytes. */
export interface MemoryOffer {
  readonly kind: DeviceKind
  readonly name: string
  readonly freeBytes: number
  /** What the driver takes before anything is allocated, where that is not taken yet: not among `freeBytes`. */
  readonly contextBytes?: number
}

/** A plan whose memory fits, and how many pages there are for layers that see all. */
export interface MemoryPlan {
  readonly compiled: CompiledPlan
  readonly sizes: Sizes
  readonly pages: number
  /** Pages of each pool: `pages`, or fewer where layers see a window only. */
  readonly poolPages: readonly number[]
  readonly kvBytes: number
}

/** Other types than the chosen ones, for telling what else would fit. */
export interface Instead {
  readonly dtype?: 'bf16'
  readonly kvCacheDtype?: 'f8'
}

/** Lays a model out for given sizes. */
export type CompileSizes = (sizes: Sizes, instead?: Instead) => CompiledPlan

/**
 * Chooses sizes and pages that fit, before anything is allocated. A sequence length that was not asked for is lowered to
 * what the cache can hold. @throws TrtllmError out_of_memory with need, have and the options that would fit.
 */
export function planMemory(
  wanted: Sizes,
  config: EngineConfig,
  offer: MemoryOffer,
  compileSizes: CompileSizes,
): MemoryPlan {
  const fits = fit(wanted, config, offer, compileSizes(wanted))
  if (fits.plan) return fits.plan
  if (config.maxSeqLen === undefined && fits.tokens >= leastSeqLen) {
    const shorter = { ...wanted, maxSeqLen: fits.tokens }
    const second = fit(shorter, config, offer, compileSizes(shorter))
    if (second.plan) return second.plan
  }
  throw refusal(wanted, config, offer, compileSizes)
}

/** A context shorter than this is no context: rather refuse. */
const leastSeqLen = 64

interface Fit {
  /** Set when one sequence of the wanted length fits. */
  readonly plan?: MemoryPlan
  /** Tokens that the cache can hold. */
  readonly tokens: number
}

function fit(sizes: Sizes, config: EngineConfig, offer: MemoryOffer, compiled: CompiledPlan): Fit {
  const room = cacheBytes(compiled, config, offer)
  const useful = sizes.maxBatchSize * pagesOf(sizes.maxSeqLen)
  const allowed = config.kvCacheMaxTokens === undefined ? useful : pagesOf(config.kvCacheMaxTokens)
  const pages = mostPages(Math.min(useful, allowed), (count) => kvBytesOf(compiled, sizes, count) <= room)
  if (pages < pagesOf(sizes.maxSeqLen)) return { tokens: pages * pageTokens }
  const poolPages = compiled.pools.map((pool) => pagesIn(pool, sizes, pages))
  const kvBytes = kvBytesOf(compiled, sizes, pages)
  return { tokens: pages * pageTokens, plan: { compiled, sizes, pages, poolPages, kvBytes } }
}

/** The largest count up to `most` that fits; more never fits where less does not. */
function mostPages(most: number, fits: (count: number) => boolean): number {
  let [least, tooMany] = [0, most + 1]
  while (tooMany - least > 1) {
    const middle = Math.floor((least + tooMany) / 2)
    if (fits(middle)) least = middle
    else tooMany = middle
  }
  return least
}

const pagesIn = ({ window }: CompiledPlan['pools'][number], sizes: Sizes, pages: number): number =>
  pagesOfPool(window, pages, { ...sizes, pageTokens, maxInFlightSteps })

const kvBytesOf = ({ pools }: CompiledPlan, sizes: Sizes, pages: number): number =>
  pools.reduce((bytes, pool) => bytes + poolPageBytes(pool) * pagesIn(pool, sizes, pages), 0)

/** Bytes that the cache may take; negative when not even the rest fits. */
function cacheBytes(
  compiled: CompiledPlan,
  { kvCacheFreeGpuMemoryFraction: fraction }: EngineConfig,
  offer: MemoryOffer,
): number {
  const left = offer.freeBytes - needBesideCache(compiled, offer)
  if (offer.kind !== 'cpu' || fraction !== undefined) return left * (fraction ?? defaultFraction)
  return Math.min(left, cpuCache.bytes, offer.freeBytes * cpuCache.share)
}

/** Two steps are in flight: the second slab comes on top of the plan's one. */
const needBesideCache = (compiled: CompiledPlan, { kind }: MemoryOffer): number =>
  fixedBytes(compiled.memory) + compiled.memory.stepBytes + workspaceBytes(compiled, kind)

const pagesOf = (tokens: number): number => Math.ceil(tokens / pageTokens)

function refusal(
  wanted: Sizes,
  config: EngineConfig,
  offer: MemoryOffer,
  compileSizes: CompileSizes,
): TrtllmError {
  const compiled = compileSizes(wanted)
  const { memory } = compiled
  const sequence = kvBytesOf(compiled, wanted, pagesOf(wanted.maxSeqLen))
  const needBytes = needBesideCache(compiled, offer) + sequence
  const parts = [
    `weights ${inGiB(memory.weightsBytes)}`,
    `activations and step ${inGiB(memory.arenaBytes + 2 * memory.stepBytes + workspaceBytes(compiled, offer.kind))}`,
    `slot state ${inGiB(memory.stateBytes)}`,
    `KV cache of one sequence of ${wanted.maxSeqLen} tokens ${inGiB(sequence)}`,
  ]
  const cache = Math.max(0, cacheBytes(compiled, config, offer))
  const limits = `; of these the KV cache may take ${inGiB(cache)}${
    config.kvCacheMaxTokens === undefined ? '' : ` and ${config.kvCacheMaxTokens} tokens`
  }`
  const options = whatWouldFit(wanted, config, offer, compileSizes)
  const remedy =
    options.length > 0
      ? `would fit: ${options.join('; ')}`
      : 'no smaller batch or context would fit: use a device with more memory or a smaller model'
  return new TrtllmError(
    'out_of_memory',
    `${offer.name}: need ${inGiB(needBytes)} (${parts.join(', ')}), have ${inGiB(offer.freeBytes)} free${limits}; ${remedy}`,
    { details: { needBytes, haveBytes: offer.freeBytes, options } },
  )
}

/** Changes that would make it fit, each on its own, as the options are written. */
function whatWouldFit(
  wanted: Sizes,
  config: EngineConfig,
  offer: MemoryOffer,
  compileSizes: CompileSizes,
): string[] {
  const options: string[] = []
  const attempt = (sizes: Sizes, own: EngineConfig = config, instead?: Instead) =>
    fit(sizes, own, offer, compileSizes(sizes, instead))
  const { tokens } = attempt(wanted)
  if (tokens >= leastSeqLen) options.push(`maxSeqLen ${Math.min(tokens, wanted.maxSeqLen)}`)
  const smaller = halvings(wanted).find((sizes) => attempt(sizes).plan)
  if (smaller) options.push(`maxBatchSize ${smaller.maxBatchSize} with maxNumTokens ${smaller.maxNumTokens}`)
  const { kvCacheMaxTokens: _, ...free } = { ...config, kvCacheFreeGpuMemoryFraction: 0.95 }
  if (attempt(wanted, free).plan)
    options.push(
      `kvCacheFreeGpuMemoryFraction 0.95${config.kvCacheMaxTokens ? ' without kvCacheMaxTokens' : ''}`,
    )
  const { graph, pools } = compileSizes(wanted)
  if (graph.dtype === 'f32' && attempt(wanted, config, { dtype: 'bf16' }).plan) options.push('dtype bf16')
  if (
    pools.every(({ content, dtype }) => content.kind === 'heads' && dtype !== 'f8') &&
    attempt(wanted, config, { kvCacheDtype: 'f8' }).plan
  )
    options.push('kvCacheDtype fp8')
  return options
}

/** Smaller and smaller steps of the same sequence length. */
function halvings({ maxBatchSize, maxNumTokens, maxSeqLen }: Sizes): Sizes[] {
  const found: Sizes[] = []
  let [batch, tokens] = [maxBatchSize, maxNumTokens]
  while (batch > 1 || tokens > 16) {
    batch = Math.max(1, batch >> 1)
    tokens = Math.max(16, batch, tokens >> 1)
    found.push({ maxBatchSize: batch, maxNumTokens: tokens, maxSeqLen })
  }
  return found
}

const inGiB = (bytes: number): string =>
  bytes >= gibibyte / 10 ? `${(bytes / gibibyte).toFixed(2)} GiB` : `${(bytes / mebibyte).toFixed(1)} MiB`
