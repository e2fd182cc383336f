import { badCheckpoint } from '../bad-input.js'
import { type DecoderSizes, parseSizes, requireSilu, requireSwitch, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Command R, R+ and Aya. */
export interface CohereConfig extends DecoderSizes {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly useQkNorm: boolean
  readonly logitScale: number
  readonly tieWordEmbeddings: boolean
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const cohereKeys = [
  ...sizeKeys,
  'attention_bias',
  'hidden_act',
  'layer_norm_eps',
  'logit_scale',
  'model_max_length',
  'position_embedding_type',
  'rotary_pct',
  'use_embedding_sharing',
  'use_gated_activation',
  'use_parallel_block',
  'use_parallel_embedding',
  'use_qk_norm',
] as const

/** Reads the config of CohereForCausalLM with the defaults of Transformers. */
export function parseCohereConfig(config: HfConfig): CohereConfig {
  const sizes = parseSizes(config)
  requireSilu(config)
  requireSwitch(config, 'use_gated_activation', true)
  requireSwitch(config, 'use_parallel_block', true)
  if (config.number('rotary_pct', { fallback: 1 }) !== 1) {
    throw badCheckpoint(
      `${config.file}: rotary_pct ${config.show('rotary_pct')} is not supported; expected 1`,
    )
  }
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 8192 })
  const { rope, maxSeqLen } = parseRope(config, sizes.headDim, maxPositions, {
    base: 500_000,
    interleaved: true,
  })
  return {
    ...sizes,
    normEps: config.number('layer_norm_eps', { min: 0, fallback: 1e-5 }),
    attentionBias: config.boolean('attention_bias', false),
    useQkNorm: config.boolean('use_qk_norm', false),
    logitScale: config.number('logit_scale', { fallback: 0.0625 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', true),
    rope,
    // Command R states here how far its rope reaches beyond max_position_embeddings.
    maxSeqLen: config.integer('model_max_length', { min: 1, fallback: maxSeqLen }),
  }
}
