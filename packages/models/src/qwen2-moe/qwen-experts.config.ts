import { badCheckpoint } from '../bad-input.js'
import { type ExpertSizes, parseExperts } from '../expert-config.js'
import type { HfConfig } from '../hf-config.js'

/** What Qwen2-MoE and Qwen3-MoE say alike about their experts. */
export interface QwenExperts extends ExpertSizes {
  /** Whether the weights of the chosen experts are made to sum to 1. */
  readonly renormalize: boolean
  /** For each layer: experts, or one MLP. */
  readonly hasExperts: readonly boolean[]
}

export const qwenExpertKeys = [
  'decoder_sparse_step',
  'mlp_only_layers',
  'moe_intermediate_size',
  'norm_topk_prob',
  'num_experts',
  'num_experts_per_tok',
] as const

/** Every `decoder_sparse_step`-th layer has experts, but for those in `mlp_only_layers`. */
export function parseQwenExperts(config: HfConfig, numLayers: number): QwenExperts {
  const step = config.integer('decoder_sparse_step', { min: 1, fallback: 1 })
  const plain = plainLayers(config)
  const keys = { count: 'num_experts', chosen: 'num_experts_per_tok', size: 'moe_intermediate_size' }
  return {
    ...parseExperts(config, keys),
    renormalize: config.boolean('norm_topk_prob', false),
    hasExperts: Array.from({ length: numLayers }, (_, i) => (i + 1) % step === 0 && !plain.includes(i)),
  }
}

function plainLayers(config: HfConfig): readonly number[] {
  const list = config.values.mlp_only_layers ?? []
  if (Array.isArray(list) && list.every((layer) => typeof layer === 'number')) return list as number[]
  throw badCheckpoint(
    `${config.file}: ${config.name('mlp_only_layers')} must be a list of layers, found ${config.show('mlp_only_layers')}`,
  )
}
