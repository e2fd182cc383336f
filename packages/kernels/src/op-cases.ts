import type { OpCase } from './define-op.js'
import type { FloatDType } from './dtype.js'
import { samplingWords, samplingWordsPerSlot } from './sampling-words.js'

const floatDTypes: readonly FloatDType[] = ['f32', 'f16', 'bf16']

/** Tokens a KV page holds. */
export const pageTokens = 32

/** Every case once per float type; the name gets the type as a suffix. */
export function eachFloat(cases: readonly Omit<OpCase, 'dtype'>[]): OpCase[] {
  return floatDTypes.flatMap((dtype) =>
    cases.map((opCase) => ({ ...opCase, name: `${opCase.name} ${dtype}`, dtype })),
  )
}

/**
 * Every case once per float type with caches of that type, and once with a cache of f8 and other scales than 1, where one
 * case after the other has another float type.
 */
export function eachCache(cases: readonly Omit<OpCase, 'dtype'>[]): OpCase[] {
  const inF8 = cases.map((opCase, i): OpCase => {
    const dtype = floatDTypes[i % floatDTypes.length]!
    return {
      ...opCase,
      ...{ name: `${opCase.name} ${dtype}, f8 cache`, dtype, cacheDtype: 'f8' },
      attributes: { ...opCase.attributes, keyScale: 0.75, valueScale: 1.25 },
    }
  })
  return [...eachFloat(cases), ...inF8]
}

/** Cases that differ in two sizes only, named `AxB`. */
export function sizes<A extends string, B extends string>(
  first: A,
  second: B,
  pairs: readonly (readonly [number, number])[],
  attributes?: Readonly<Record<string, number>>,
): OpCase[] {
  return eachFloat(
    pairs.map(([a, b]) => ({
      name: `${a}x${b}`,
      dims: { [first]: a, [second]: b },
      ...(attributes && { attributes }),
    })),
  )
}

/** Uniform integers in [low, high). */
export function integers(count: number, low: number, high: number, random: () => number): Int32Array {
  return Int32Array.from({ length: count }, () => low + Math.floor(random() * (high - low)))
}

/** 0..count-1 in random order. */
export function shuffled(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = kept
  }
  return order
}

/** The sequences of one step: which slot each uses, its tokens in the step and its cached tokens (step included). */
export interface StepSequences {
  readonly seqSlot: Int32Array
  readonly seqStart: Int32Array
  readonly seqContext: Int32Array
  readonly tokenSlot: Int32Array
  readonly positions: Int32Array
  readonly pageTable: Int32Array
}

/**
 * Splits `dims.tokens` at random over `dims.seqs` sequences (some may get none), each in its own slot with a random
 * number of cached tokens that fits `dims.maxPages`. The page table is a random permutation of the pages.
 * Needs seqs <= slots, slots * maxPages <= pages.
 */
export function stepSequences(dims: Readonly<Record<string, number>>, random: () => number): StepSequences {
  const { tokens = 0, seqs = 1, slots = 1, maxPages = 1, pages = 1 } = dims
  const capacity = maxPages * pageTokens
  const lengths = new Int32Array(seqs)
  for (let t = 0; t < tokens; t++) {
    let s = Math.floor(random() * seqs)
    while ((lengths[s] ?? 0) >= capacity) s = (s + 1) % seqs
    lengths[s] = (lengths[s] ?? 0) + 1
  }
  const seqSlot = shuffled(slots, random).slice(0, seqs)
  const seqStart = new Int32Array(seqs + 1)
  const seqContext = new Int32Array(seqs)
  const tokenSlot = new Int32Array(tokens)
  const positions = new Int32Array(tokens)
  lengths.forEach((length, s) => {
    const start = seqStart[s] ?? 0
    const cached = Math.floor(random() * (capacity - length + 1))
    seqStart[s + 1] = start + length
    seqContext[s] = cached + length
    tokenSlot.fill(seqSlot[s] ?? 0, start, start + length)
    for (let i = 0; i < length; i++) positions[start + i] = cached + i
  })
  const pageTable = shuffled(pages, random).slice(0, slots * maxPages)
  return { seqSlot, seqStart, seqContext, tokenSlot, positions, pageTable }
}

const bits = new DataView(new ArrayBuffer(4))

/** The i32 word that holds `value` as an f32. */
export function f32Word(value: number): number {
  bits.setFloat32(0, value)
  return bits.getInt32(0)
}

const f32Fields: readonly string[] = [
  'temperature',
  'topP',
  'minP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'topPMin',
  'topPDecay',
]

export type SamplingRecord = Partial<Record<keyof typeof samplingWords, number>>

/** What absent fields of a record mean: greedy with every cut and penalty off and no logprobs. */
const plainRecord: SamplingRecord = {
  topP: 1,
  repetitionPenalty: 1,
  numLogprobs: -1,
  numPromptLogprobs: -1,
  topPDecay: 1,
  topPResetId: -1,
}

/** One slot's sampling words. */
export function samplingRecord(record: SamplingRecord): Int32Array {
  const words = new Int32Array(samplingWordsPerSlot)
  const full = { ...plainRecord, ...record }
  for (const [field, value] of Object.entries(full)) {
    const at = samplingWords[field as keyof typeof samplingWords]
    words[at] = f32Fields.includes(field) ? f32Word(value) : value
  }
  return words
}

/** The records one after another. */
export function concatWords(records: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(records.reduce((sum, record) => sum + record.length, 0))
  let at = 0
  for (const record of records) {
    all.set(record, at)
    at += record.length
  }
  return all
}

/** Dims of a paged cache that serves `slots` slots of `maxPages` pages each, with `sparePages` more. */
export function cacheDims(seqs: number, slots: number, maxPages: number, sparePages: number) {
  return { seqs, seqsPlusOne: seqs + 1, slots, maxPages, pages: slots * maxPages + sparePages, pageTokens }
}

/** Attributes of a rope op: plain half-style rotation with base 10,000 unless `changes` say otherwise. */
export function ropeAttributes(rotaryDim: number, changes: Readonly<Record<string, number>> = {}) {
  return {
    rotaryDim,
    interleaved: 0,
    attentionFactor: 1,
    dynamicFactor: 0,
    dynamicLength: 0,
    base: 10_000,
    ...changes,
  }
}

/** Positions up to a million (every second one below 4,096) and the frequencies of the case's base. */
export function ropeInputs({ dims, attributes = {} }: OpCase, random: () => number) {
  const { tokens = 1, variants = 1, half = 1 } = dims
  const { rotaryDim = 2 * half, base = 10_000 } = attributes
  return {
    positions: Int32Array.from({ length: tokens }, (_, t) =>
      Math.floor(random() * (t % 2 === 0 ? 4096 : 1_000_000)),
    ),
    inverseFrequencies: Float32Array.from(
      { length: variants * half },
      (_, i) => base ** ((-2 * (i % half)) / rotaryDim) / (1 + Math.floor(i / half)),
    ),
    variant: integers(tokens, 0, variants, random),
  }
}
