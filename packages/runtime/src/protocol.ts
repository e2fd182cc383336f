import type { KvCacheEvent } from './cache/cache-events.js'
import type { ModelInfo } from './compiled-model.js'
import type { SerializedError, TokenLogprobs } from './request.js'
import type { EngineStats } from './stats.js'
import type { NumberedRequest, PackedOutputs } from './turn-outputs.js'

/**
 * The messages between the front side and an engine: plain structured-cloneable data, the same over a worker's
 * MessagePort and a child process's channel. Order is kept in both directions.
 */
export type EngineCommand =
  /** First command: what to load. Its content is agreed between whoever starts the engine and the engine module. */
  | { readonly kind: 'start'; readonly config: unknown }
  | { readonly kind: 'submit'; readonly request: NumberedRequest }
  | { readonly kind: 'cancel'; readonly id: string }
  | {
      readonly kind: 'choose'
      readonly id: string
      readonly token: number
      readonly logprobs?: TokenLogprobs
    }
  | { readonly kind: 'stats'; readonly nonce: number }
  | { readonly kind: 'kv-cache-events'; readonly nonce: number }
  /** Ends the engine, after the live requests when `drain`. A later one without `drain` cuts that short. */
  | { readonly kind: 'shutdown'; readonly drain: boolean }

/** The commands of one tick travel as one message. */
export type EngineCommands = readonly EngineCommand[]

/** A sign of life of the engine's event loop, and how its device is doing. */
export interface Heartbeat {
  /** Counts all signs of life from 1. */
  readonly sequence: number
  /** Milliseconds the device has been at its present step; 0 when it has none. */
  readonly stepAgeMs: number
  /** Step age from which the device counts as hung. */
  readonly stallAfterMs: number
}

export type EngineMessage =
  | { readonly kind: 'loading'; readonly stage: string; readonly done: number; readonly total: number }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  /** What a turn of the engine brought, or only a heartbeat. `step` counts the steps read so far. */
  | {
      readonly kind: 'step'
      readonly step: number
      readonly outputs: PackedOutputs
      readonly heartbeat: Heartbeat
    }
  | { readonly kind: 'stats'; readonly nonce: number; readonly stats: EngineStats }
  | { readonly kind: 'kv-cache-events'; readonly nonce: number; readonly events: readonly KvCacheEvent[] }
  /** The engine cannot start or go on; it ends itself. */
  | { readonly kind: 'fatal'; readonly error: SerializedError }
  /** The last message after a shutdown. */
  | { readonly kind: 'closed' }
