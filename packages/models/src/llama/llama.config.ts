import { architectureOf, type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of a Llama-style decoder. */
export interface LlamaConfig extends DecoderSizes {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly mlpBias: boolean
  readonly tieWordEmbeddings: boolean
  readonly slidingWindow: Window
  readonly rope: Rope
  readonly maxSeqLen: number
}

/** Keys of config.json that this family reads or may ignore; others are named when a class is unknown. */
export const llamaKeys = [
  ...sizeKeys,
  'attention_bias',
  'hidden_act',
  'mlp_bias',
  'original_max_position_embeddings',
  'partial_rotary_factor',
  'pretraining_tp',
  'rms_norm_eps',
  'sliding_window',
  'use_sliding_window',
] as const

/**
 * Reads the config of LlamaForCausalLM or MistralForCausalLM with the defaults Transformers has for each.
 * @throws TrtllmError bad_checkpoint for a missing key or one of a wrong type, contradictory_config for keys that
 * cannot all be true.
 */
export function parseLlamaConfig(config: HfConfig): LlamaConfig {
  const isMistral = architectureOf(config) === 'MistralForCausalLM'
  const sizes = parseSizes(config, isMistral ? { numKvHeads: 8 } : {})
  requireSilu(config)
  const fallback = isMistral ? 131_072 : 2048
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback })
  return {
    ...sizes,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    attentionBias: !isMistral && config.boolean('attention_bias', false),
    mlpBias: !isMistral && config.boolean('mlp_bias', false),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    slidingWindow:
      isMistral && config.boolean('use_sliding_window', true) ? slidingWindow(config, 4096) : undefined,
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}
