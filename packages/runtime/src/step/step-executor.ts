import type { TrtllmError } from '@trtllm/kernels'
import type { PageCopy } from '../cache/kv-cache.js'

/** Consecutive logits rows that the host wants, as the model gave them. */
export interface WantedLogits {
  readonly firstRow: number
  readonly rows: number
  /** Receives them, row-major [rows, vocab]. */
  readonly into: Float32Array<ArrayBuffer>
}

/** A filled step: which ring entry its slab lies in and how much of it is used. */
export interface StepCall {
  readonly ring: number
  readonly tokens: number
  readonly rows: number
  readonly seqs: number
  /** In the order of rows; most steps have none. */
  readonly logits?: readonly WantedLogits[]
  /** Pages to copy from before anything else; only for executors that say so. */
  readonly copies?: readonly PageCopy[]
}

/**
 * Called once when a step is over, in submission order, never from inside `submit`: how long the device worked at it, and
 * how long it had done nothing before, since the end of the last step.
 */
export type StepDone = (error: TrtllmError | null, microseconds: number, idleMicroseconds: number) => void

/**
 * What the engine needs of a device: a ring of host-visible slabs and results, and a way to run a step. Steps run in
 * the order submitted. The slab and the results of a ring entry belong to the device from `submit` to `onDone`.
 */
export interface StepExecutor {
  /** Ring entries, hence steps that can be in flight. */
  readonly depth: number
  /** Whether it carries out `StepCall.copies`; without it pages are reused whole only. */
  readonly copiesPages?: boolean
  slab(ring: number): Int32Array
  results(ring: number): Int32Array
  submit(call: StepCall, onDone: StepDone): void
  /** Frees what the executor owns; submitted steps finish first. */
  close(): void
}
