import {
  expertGroups,
  type LatentDecoderConfig,
  latentDecoderKeys,
  parseLatentDecoder,
  requireOneOf,
} from '../deepseek-v2/deepseek-v2.config.js'
import type { HfConfig } from '../hf-config.js'

/** Sizes and switches of DeepSeek-V3 and R1. */
export interface DeepseekV3Config extends LatentDecoderConfig {
  /** Whether the weights of the chosen experts are divided by their sum. */
  readonly renormalize: boolean
}

export const deepseekV3Keys = [...latentDecoderKeys, 'num_nextn_predict_layers', 'rope_interleave'] as const

/** Reads the config of DeepseekV3ForCausalLM with the defaults of Transformers. */
export function parseDeepseekV3Config(config: HfConfig): DeepseekV3Config {
  requireOneOf(config, 'scoring_func', ['sigmoid'])
  requireOneOf(config, 'topk_method', ['noaux_tc'])
  const decoder = parseLatentDecoder(config, { firstDense: 3, shared: 1, factor: 2.5 })
  return {
    ...decoder,
    mlpBias: false,
    groups: expertGroups(config, decoder.numExperts, { count: 8, chosen: 4 }),
    renormalize: config.boolean('norm_topk_prob', true),
  }
}
