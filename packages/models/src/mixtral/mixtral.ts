import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { add, attention, embed, gatherRows, linear, lmHead, rmsNorm, rope, route } from '@trtllm/graph/layers'
import { expertMlp } from '../blocks/expert-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { type MixtralConfig, parseMixtralConfig } from './mixtral.config.js'

/** Mixtral 8x7B and 8x22B: Mistral with experts instead of an MLP, weighed by a softmax over the chosen. */
export const mixtral = defineModel({
  architectures: ['MixtralForCausalLM'],
  config: parseMixtralConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const layer of m.each('model.layers', c.numLayers)) {
      const normed = rmsNorm(layer.at('input_layernorm'), x, c.normEps)
      x = add(layer, x, selfAttention(layer.at('self_attn'), c, normed, step))
      const h = rmsNorm(layer.at('post_attention_layernorm'), x, c.normEps)
      x = add(layer, x, experts(layer.at('block_sparse_moe'), c, h))
    }
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function experts(m: Scope, c: MixtralConfig, x: Value): Value {
  const logits = linear(m.at('gate'), x, c.numExperts, { precise: true })
  const routed = route(m, logits, { chosen: c.expertsPerToken, scoring: 'softmax', renormalize: true })
  return expertMlp(m.at('experts.{e}'), c, x, routed, { gate: 'w1', up: 'w3', down: 'w2' })
}

function selfAttention(m: Scope, c: MixtralConfig, x: Value, { positions }: StepValues): Value {
  const { q, k, v } = queryKeyValue(m, c, x)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window: c.window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in' })
}
