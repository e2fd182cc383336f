import type { HfConfig } from '../hf-config.js'
import { parseQwen, type Qwen2Config, qwen2Keys } from '../qwen2/qwen2.config.js'

/** Sizes and switches of Qwen3. */
export interface Qwen3Config extends Qwen2Config {
  readonly attentionBias: boolean
}

export const qwen3Keys = [...qwen2Keys, 'attention_bias'] as const

/** Reads the config of Qwen3ForCausalLM with the defaults of Transformers. */
export const parseQwen3Config = (config: HfConfig): Qwen3Config => ({
  ...parseQwen(config, { numKvHeads: 32, headDim: 128 }),
  attentionBias: config.boolean('attention_bias', false),
})
