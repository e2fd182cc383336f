import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'
import { parseQwenExperts, type QwenExperts, qwenExpertKeys } from './qwen-experts.config.js'

/** Sizes and switches of Qwen2-MoE. */
export interface Qwen2MoeConfig extends DecoderSizes, QwenExperts {
  /** Width of the MLP that every token of a layer with experts goes through too. */
  readonly sharedExpertSize: number
  readonly normEps: number
  readonly attentionBias: boolean
  readonly tieWordEmbeddings: boolean
  /** One for each layer. */
  readonly windows: readonly Window[]
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const qwen2MoeKeys = [
  ...sizeKeys,
  ...qwenExpertKeys,
  'hidden_act',
  'layer_types',
  'max_window_layers',
  'qkv_bias',
  'rms_norm_eps',
  'shared_expert_intermediate_size',
  'sliding_window',
  'use_sliding_window',
] as const

/** Reads the config of Qwen2MoeForCausalLM with the defaults of Transformers: every second of the first layers slides. */
export function parseQwen2MoeConfig(config: HfConfig): Qwen2MoeConfig {
  const sizes = parseSizes(config, { numKvHeads: 16 })
  requireSilu(config)
  const window = config.boolean('use_sliding_window', false) ? slidingWindow(config, 4096) : undefined
  const numSliding = config.integer('max_window_layers', { min: 0, fallback: 28 })
  const isSliding = (layer: number): boolean => window !== undefined && layer % 2 === 0 && layer < numSliding
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 32_768 })
  return {
    ...sizes,
    ...parseQwenExperts(config, sizes.numLayers),
    sharedExpertSize: config.integer('shared_expert_intermediate_size', { min: 1 }),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    attentionBias: config.boolean('qkv_bias', true),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    windows: layerWindows(config, sizes.numLayers, window, isSliding),
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}
