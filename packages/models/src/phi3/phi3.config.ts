import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { bitingWindow, slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Phi-3 and Phi-4. */
export interface Phi3Config extends DecoderSizes {
  readonly normEps: number
  readonly tieWordEmbeddings: boolean
  readonly slidingWindow: Window
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const phi3Keys = [
  ...sizeKeys,
  'attention_bias',
  'full_attn_mod',
  'hidden_act',
  'interpolate_factor',
  'lm_head_bias',
  'mlp_bias',
  'original_max_position_embeddings',
  'partial_rotary_factor',
  'rms_norm_eps',
  'sliding_window',
] as const

/** Reads the config of Phi3ForCausalLM with the defaults of Transformers; `su` and `yarn` are longrope's old names. */
export function parsePhi3Config(config: HfConfig): Phi3Config {
  const sizes = parseSizes(config)
  requireSilu(config)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 4096 })
  const { rope } = parseRope(config, sizes.headDim, maxPositions, {
    aliases: { yarn: 'longrope' },
    kinds: ['default', 'longrope'],
  })
  return {
    ...sizes,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    slidingWindow: bitingWindow(slidingWindow(config), maxPositions),
    rope,
    maxSeqLen: maxPositions,
  }
}
