import { describe, expect, it } from 'vitest'
import { HfConfig } from '../hf-config.js'
import type { JsonObject } from '../strict-json.js'
import { parseLlamaConfig } from './llama.config.js'

const sizes = {
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
}
const parse = (extra: JsonObject = {}, architecture = 'LlamaForCausalLM') =>
  parseLlamaConfig(new HfConfig('config.json', { architectures: [architecture], ...sizes, ...extra }))

describe('LlamaForCausalLM', () => {
  it('has the defaults of Transformers', () => {
    const { rope, ...config } = parse({ head_dim: null, num_key_value_heads: null, pretraining_tp: 2 })
    expect(config).toEqual({
      vocabSize: 32000,
      hiddenSize: 4096,
      intermediateSize: 11008,
      numLayers: 32,
      numHeads: 32,
      numKvHeads: 32,
      headDim: 128,
      normEps: 1e-6,
      attentionBias: false,
      mlpBias: false,
      tieWordEmbeddings: false,
      slidingWindow: undefined,
      maxSeqLen: 2048,
    })
    expect(rope).toMatchObject({ kind: 'default', base: 10000, rotaryDim: 128, attentionFactor: 1 })
  })

  it('reads grouped heads, an explicit head_dim, biases and a tied head', () => {
    const given = { num_key_value_heads: 8, head_dim: 64, attention_bias: true, mlp_bias: true }
    expect(parse({ ...given, tie_word_embeddings: true })).toMatchObject({
      numKvHeads: 8,
      headDim: 64,
      attentionBias: true,
      mlpBias: true,
      tieWordEmbeddings: true,
    })
  })

  it('ignores sliding_window, as Transformers does', () => {
    expect(parse({ sliding_window: 128 }).slidingWindow).toBeUndefined()
  })
})

describe('MistralForCausalLM', () => {
  const mistral = (extra: JsonObject = {}) => parse(extra, 'MistralForCausalLM')

  it('has the defaults of Transformers', () => {
    expect(mistral()).toMatchObject({ numKvHeads: 8, slidingWindow: 4096, maxSeqLen: 131_072 })
  })

  it('has all heads where num_key_value_heads is null', () => {
    expect(mistral({ num_key_value_heads: null }).numKvHeads).toBe(32)
  })

  it.each([
    [{ sliding_window: null }, undefined],
    [{ sliding_window: 1024 }, 1024],
    [{ sliding_window: 1024, use_sliding_window: false }, undefined],
    [{ sliding_window: 1024, use_sliding_window: true }, 1024],
  ])('%j slides over %s', (keys, window) => expect(mistral(keys).slidingWindow).toBe(window))

  it('has no biases', () => {
    expect(mistral({ attention_bias: true })).toMatchObject({ attentionBias: false, mlpBias: false })
  })
})
