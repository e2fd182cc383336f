import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import { type ExpertSizes, parseExperts } from '../expert-config.js'
import type { HfConfig } from '../hf-config.js'
import { slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Mixtral. */
export interface MixtralConfig extends DecoderSizes, ExpertSizes {
  readonly normEps: number
  readonly tieWordEmbeddings: boolean
  readonly window: Window
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const mixtralKeys = [
  ...sizeKeys,
  'hidden_act',
  'num_experts_per_tok',
  'num_local_experts',
  'rms_norm_eps',
  'sliding_window',
] as const

/** Reads the config of MixtralForCausalLM with the defaults of Transformers. */
export function parseMixtralConfig(config: HfConfig): MixtralConfig {
  const sizes = parseSizes(config, { numKvHeads: 8 })
  requireSilu(config)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 131_072 })
  const keys = { count: 'num_local_experts', chosen: 'num_experts_per_tok', size: 'intermediate_size' }
  return {
    ...sizes,
    ...parseExperts(config, keys),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    window: slidingWindow(config),
    ...parseRope(config, sizes.headDim, maxPositions, { base: 1_000_000 }),
  }
}
