import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import { type ExpertSizes, parseExperts } from '../expert-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of GPT-OSS. */
export interface GptOssConfig extends DecoderSizes, ExpertSizes {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly tieWordEmbeddings: boolean
  /** Largest gate of an expert, and largest magnitude of what it gates. */
  readonly gateLimit: number
  /** One for each layer. */
  readonly windows: readonly Window[]
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const gptOssKeys = [
  ...sizeKeys,
  'attention_bias',
  'experts_per_token',
  'hidden_act',
  'initial_context_length',
  'layer_types',
  'num_experts_per_tok',
  'num_local_experts',
  'rms_norm_eps',
  'sliding_window',
  'swiglu_limit',
] as const

/** Reads the config of GptOssForCausalLM with the defaults of Transformers: every second layer slides, the first one too. */
export function parseGptOssConfig(config: HfConfig): GptOssConfig {
  const sizes = parseSizes(config, { numKvHeads: 8, headDim: 64 })
  requireSilu(config)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 131_072 })
  const window = slidingWindow(config, 128)
  const keys = { count: 'num_local_experts', chosen: 'num_experts_per_tok', size: 'intermediate_size' }
  return {
    ...sizes,
    ...parseExperts(config, keys),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    attentionBias: config.boolean('attention_bias', true),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    gateLimit: config.number('swiglu_limit', { min: 0, fallback: 7 }),
    windows: layerWindows(config, sizes.numLayers, window, (layer) => layer % 2 === 0),
    ...parseRope(config, sizes.headDim, maxPositions, { base: 150_000 }),
  }
}
