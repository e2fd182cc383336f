import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { slidingWindow, type Window } from '../layer-windows.js'
import { parseQwenExperts, type QwenExperts, qwenExpertKeys } from '../qwen2-moe/qwen-experts.config.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Qwen3-MoE. */
export interface Qwen3MoeConfig extends DecoderSizes, QwenExperts {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly tieWordEmbeddings: boolean
  readonly window: Window
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const qwen3MoeKeys = [
  ...sizeKeys,
  ...qwenExpertKeys,
  'attention_bias',
  'hidden_act',
  'rms_norm_eps',
  'sliding_window',
  'use_sliding_window',
] as const

/** Reads the config of Qwen3MoeForCausalLM with the defaults of Transformers: with `use_sliding_window` all layers slide. */
export function parseQwen3MoeConfig(config: HfConfig): Qwen3MoeConfig {
  const sizes = parseSizes(config, { numKvHeads: 4 })
  requireSilu(config)
  const slides = config.boolean('use_sliding_window', false)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 32_768 })
  return {
    ...sizes,
    ...parseQwenExperts(config, sizes.numLayers),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    attentionBias: config.boolean('attention_bias', false),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    window: slides ? slidingWindow(config, 4096) : undefined,
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}
