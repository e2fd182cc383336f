import { describe, expect, it } from 'vitest'
import { parseDeepseekV3Config } from '../deepseek-v3/deepseek-v3.config.js'
import { HfConfig } from '../hf-config.js'
import type { JsonObject } from '../strict-json.js'
import { parseDeepseekV2Config } from './deepseek-v2.config.js'

const sizes = {
  ...{ vocab_size: 256, hidden_size: 60, intermediate_size: 128, num_hidden_layers: 5 },
  ...{ num_attention_heads: 8, num_key_value_heads: 8, max_position_embeddings: 163_840 },
  ...{ n_routed_experts: 16, num_experts_per_tok: 4, moe_intermediate_size: 32, n_group: 4, topk_group: 2 },
}
const yarn = {
  type: 'yarn',
  factor: 40,
  original_max_position_embeddings: 4096,
  mscale: 1,
  mscale_all_dim: 1,
}
const read = <Config>(parse: (config: HfConfig) => Config, keys: JsonObject = {}): Config =>
  parse(new HfConfig('config.json', { ...sizes, ...keys }))

describe('the config of DeepSeek', () => {
  it('scales scores by the square of what YaRN wants of them, and cos and sin by none where both are alike', () => {
    const { scale, rope } = read(parseDeepseekV3Config, { rope_scaling: yarn })
    expect(scale).toBeCloseTo(192 ** -0.5 * (0.1 * Math.log(40) + 1) ** 2, 12)
    expect(rope.attentionFactor).toBe(1)
    expect(read(parseDeepseekV3Config).scale).toBeCloseTo(192 ** -0.5, 12)
  })

  it('has experts behind the first layers, in every n-th', () => {
    const layersOf = (keys: JsonObject) => read(parseDeepseekV2Config, keys).hasExperts
    expect(layersOf({ first_k_dense_replace: 1 })).toEqual([false, true, true, true, true])
    expect(layersOf({ first_k_dense_replace: 1, moe_layer_freq: 2 })).toEqual([
      false,
      false,
      true,
      false,
      true,
    ])
    expect(read(parseDeepseekV3Config).hasExperts).toEqual([false, false, false, true, true])
  })

  it('tells a query that is projected once from one that has no key for it', () => {
    expect(read(parseDeepseekV2Config, { q_lora_rank: null }).qLoraRank).toBeUndefined()
    expect(read(parseDeepseekV2Config).qLoraRank).toBe(1536)
  })

  it('chooses among groups where its method does, and not where all are taken', () => {
    expect(read(parseDeepseekV2Config).groups).toBeUndefined()
    expect(read(parseDeepseekV2Config, { topk_method: 'group_limited_greedy' }).groups).toEqual({
      count: 4,
      chosen: 2,
    })
    expect(read(parseDeepseekV3Config, { n_group: 1, topk_group: 1 }).groups).toBeUndefined()
  })

  it.each([
    [{ num_key_value_heads: 4 }, 'num_key_value_heads must be num_attention_heads 8 with latent attention'],
    [{ scoring_func: 'softmax' }, 'scoring_func "softmax" is not supported; expected "sigmoid"'],
    [{ topk_method: 'greedy' }, 'topk_method "greedy" is not supported; expected "noaux_tc"'],
    [{ n_group: 3 }, 'n_routed_experts 16 is not a multiple of n_group 3'],
    [{ topk_group: 5 }, 'topk_group must be at most 4, found 5'],
    [{ num_experts_per_tok: 17 }, 'num_experts_per_tok 17 is more than n_routed_experts 16'],
  ])('is refused with %j', (keys, sentence) => {
    expect(() => read(parseDeepseekV3Config, keys)).toThrow(sentence)
  })
})
