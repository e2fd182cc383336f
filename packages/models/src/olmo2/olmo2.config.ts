import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of OLMo 2. */
export interface Olmo2Config extends DecoderSizes {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly tieWordEmbeddings: boolean
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const olmo2Keys = [...sizeKeys, 'attention_bias', 'hidden_act', 'rms_norm_eps'] as const

/** Reads the config of Olmo2ForCausalLM with the defaults of Transformers. */
export function parseOlmo2Config(config: HfConfig): Olmo2Config {
  const sizes = parseSizes(config)
  requireSilu(config)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 2048 })
  return {
    ...sizes,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    attentionBias: config.boolean('attention_bias', false),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}
