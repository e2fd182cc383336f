import type { StepLayout } from '@trtllm/graph'
import type { Device, Plan } from '@trtllm/kernels'
import type { PagePoolSpec } from './cache/page-pool.js'

/** What the front side learns of a loaded model. Plain data. */
export interface ModelInfo {
  readonly name: string
  readonly architecture: string
  readonly vocabSize: number
  /** Tokens of a sequence, prompt and output together. */
  readonly maxSeqLen: number
  readonly maxBatchSize: number
  readonly maxNumTokens: number
  readonly eosIds: readonly number[]
  readonly dtype: string
  readonly device: { readonly kind: string; readonly name: string; readonly detail?: string }
  /** Bytes by use. */
  readonly memory: {
    readonly weightsBytes: number
    readonly arenaBytes: number
    readonly kvBytes: number
    readonly kvBytesPerToken: number
    readonly stateBytes: number
  }
  /** Tokens that the KV cache holds. */
  readonly kvTokens: number
}

/** What the engine must know of a model to schedule and read steps, whatever executes them. */
export interface EngineModel {
  readonly layout: StepLayout
  readonly pools: readonly PagePoolSpec[]
  readonly vocabSize: number
  readonly eosIds: readonly number[]
  readonly maxSeqLen: number
  /** Sequences that may grow beyond this many tokens use rope variant 1; without it all use variant 0. */
  readonly longRopeFromTokens?: number
  /** Digest of weights and KV type that hashes of cached pages begin with; by default name, architecture and dtype. */
  readonly cacheKey?: string
  readonly info: ModelInfo
}

/** A model ready to run: its plan with weights, caches and slot state bound, and where its logits are. */
export interface CompiledModel extends EngineModel {
  readonly device: Device
  readonly plan: Plan
  /** Copies pages by the slab's `copies`; without it pages are reused whole only. */
  readonly pageCopies?: Plan
  /** Operand index of the raw logits [rows, vocab] f32 in the plan, for context logits. */
  readonly logitsOperand: number
}
