import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { add, attention, embed, gatherRows, linear, lmHead, rmsNorm, rope } from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { type LlamaConfig, parseLlamaConfig } from './llama.config.js'

/** Llama 2 and 3, TinyLlama, Mistral, and every checkpoint that shares their decoder. */
export const llama = defineModel({
  architectures: ['LlamaForCausalLM', 'MistralForCausalLM'],
  config: parseLlamaConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const layer of m.each('model.layers', c.numLayers)) x = decoderLayer(layer, c, x, step)
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function decoderLayer(m: Scope, c: LlamaConfig, x: Value, step: StepValues): Value {
  const attended = selfAttention(m.at('self_attn'), c, rmsNorm(m.at('input_layernorm'), x, c.normEps), step)
  const h = add(m, x, attended)
  const normed = rmsNorm(m.at('post_attention_layernorm'), h, c.normEps)
  return add(m, h, gatedMlp(m.at('mlp'), c, normed, { bias: c.mlpBias }))
}

function selfAttention(m: Scope, c: LlamaConfig, x: Value, { positions }: StepValues): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window: c.slidingWindow,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
