import { CachePrefix, type CacheScope } from '../cache/cache-prefix.js'

/** Where a sequence is in its life. `finished` is final. */
export type SequenceStatus = 'waiting' | 'running' | 'paused' | 'finished'

/**
 * One request as the scheduler sees it: plain numbers. Positions are counted from the first prompt token.
 *
 * A sequence has work while `computed < length`. `length` counts every token that exists or is being sampled by a
 * submitted step, so decode positions are known before the sampled id is: this is what lets step N+1 be submitted
 * before the results of step N are read.
 */
export interface Sequence {
  readonly id: string
  /** Arrival number: smaller came earlier. */
  readonly arrival: number
  readonly promptIds: Int32Array
  /** Sampled ids the host has seen; they survive a pause. */
  readonly generatedIds: number[]
  /** Tokens (prompt and output) at which the sequence ends for length. */
  readonly maxLength: number
  /** Whether a token limit was asked for; without one it reserves a share and grows. */
  readonly limited: boolean
  /** Whether every prompt position needs a logits row: its logits are sent, or its next token is scored. */
  readonly promptRows: boolean
  /** Whether sampling reads earlier tokens from the slot (penalties, bad words), so that all must be delivered. */
  readonly needsHistory: boolean
  /** Whether the host says each next token, after it has read what the step before brought. */
  readonly chosenByHost: boolean
  /** Its tokens as the cache sees them. */
  readonly prefix: CachePrefix
  /** 0..100; a higher one is admitted first and paused last. */
  readonly level: number
  /** Who the sequence is counted against, and that one's share. */
  readonly fairnessKey: string
  readonly weight: number
  /** Cost of writing its sampling record and lists: delta records and data words. */
  readonly setupDeltas: number
  readonly setupWords: number

  status: SequenceStatus
  /** Permanent row while running; -1 otherwise. */
  slot: number
  /** Tokens that exist or are being sampled by a submitted step. */
  length: number
  /** Positions whose keys and values are cached or being computed by a submitted step. */
  computed: number
  /** Positions whose keys and values are in the cache for sure: every step that computed them has retired. */
  complete: number
  /** Tokens that the device's slot already holds, or that nobody will read. */
  delivered: number
  /** Prompt tokens that the cache had when it first came in. */
  cachedTokens: number
  /** Prompt positions that have had their logits row. */
  logitsAsked: number
  /** Whether the slot's sampling record and lists are on the device. */
  setupSent: boolean
  /** Pages promised at admission, and length of its page tables. */
  reservedPages: number
  heldPages: number
  /** A pool: first page held; those before it are out of the window. */
  firstPages: readonly number[]
  /** Whether every position it has is computed or being computed, and the host has not said the next token yet. */
  awaitsToken: boolean
  /** Where it stands among the waiting of its level; smaller goes first. */
  turn: number
  /** Submitted steps that hold work of this sequence and are not read yet. */
  inFlight: number
  /** Last submitted step that may touch its slot and pages. */
  lastStep: number
}

export interface NewSequence {
  id: string
  arrival: number
  promptIds: Int32Array
  maxLength: number
  limited: boolean
  promptRows?: boolean
  needsHistory?: boolean
  chosenByHost?: boolean
  cacheScope?: CacheScope
  level?: number
  fairnessKey?: string
  weight?: number
  setupDeltas?: number
  setupWords?: number
}

/** Level of a sequence that says nothing about its priority. */
export const defaultLevel = 50

/** A waiting sequence that has nothing on the device. */
export function createSequence(spec: NewSequence): Sequence {
  const generatedIds: number[] = []
  return {
    id: spec.id,
    arrival: spec.arrival,
    promptIds: spec.promptIds,
    generatedIds,
    maxLength: spec.maxLength,
    limited: spec.limited,
    promptRows: spec.promptRows ?? false,
    needsHistory: spec.needsHistory ?? false,
    chosenByHost: spec.chosenByHost ?? false,
    prefix: new CachePrefix(spec.promptIds, generatedIds, spec.cacheScope),
    level: spec.level ?? defaultLevel,
    fairnessKey: spec.fairnessKey ?? '',
    weight: spec.weight ?? 1,
    setupDeltas: spec.setupDeltas ?? 1,
    setupWords: spec.setupWords ?? 0,
    status: 'waiting',
    slot: -1,
    length: spec.promptIds.length,
    computed: 0,
    complete: 0,
    delivered: 0,
    cachedTokens: 0,
    logitsAsked: 0,
    setupSent: false,
    reservedPages: 0,
    heldPages: 0,
    firstPages: [],
    awaitsToken: false,
    turn: 0,
    inFlight: 0,
    lastStep: 0,
  }
}

/**
 * A paused sequence that goes on from where another one stands: same tokens so far, none of its pages. It stands right
 * behind it in every order; `nth` tells apart those of one sequence.
 */
export function forkSequence(from: Sequence, nth: number): Sequence {
  const generatedIds = [...from.generatedIds]
  return {
    ...from,
    arrival: from.arrival + nth * 2 ** -20,
    generatedIds,
    prefix: from.prefix.fork(generatedIds),
    status: 'paused',
    slot: -1,
    computed: 0,
    complete: 0,
    delivered: 0,
    setupSent: false,
    reservedPages: 0,
    heldPages: 0,
    firstPages: [],
    inFlight: 0,
  }
}

/** Positions that still have to be computed before the next token can be sampled; 1 while decoding. */
export function remainingTokens(sequence: Sequence): number {
  return sequence.length - sequence.computed
}

/** Whether its next work is one sampled token on top of a cached context. */
export function isDecoding(sequence: Sequence): boolean {
  return (
    sequence.computed > 0 && remainingTokens(sequence) === 1 && sequence.length > sequence.promptIds.length
  )
}

/** Whether every token it may produce exists or is being sampled, so that it needs no further step. */
export function isExhausted(sequence: Sequence): boolean {
  return sequence.length >= sequence.maxLength
}

/** Token at a position that the host knows (prompt or a sampled id it has read). */
export function tokenAt(sequence: Sequence, position: number): number {
  const { promptIds, generatedIds } = sequence
  const id = position < promptIds.length ? promptIds[position] : generatedIds[position - promptIds.length]
  if (id === undefined) throw new Error(`sequence ${sequence.id}: no token is known at position ${position}`)
  return id
}
