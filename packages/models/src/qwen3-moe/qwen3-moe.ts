import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  headRmsNorm,
  linear,
  lmHead,
  rmsNorm,
  rope,
  route,
} from '@trtllm/graph/layers'
import { expertMlp } from '../blocks/expert-mlp.js'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { parseQwen3MoeConfig, type Qwen3MoeConfig } from './qwen3-moe.config.js'

/** Qwen3 with experts: its attention, and in some layers or all a softmax router over gated MLPs. */
export const qwen3Moe = defineModel({
  architectures: ['Qwen3MoeForCausalLM'],
  config: parseQwen3MoeConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const [layer, hasExperts] of m.along('model.layers', c.hasExperts)) {
      const normed = rmsNorm(layer.at('input_layernorm'), x, c.normEps)
      x = add(layer, x, selfAttention(layer.at('self_attn'), c, normed, step))
      const h = rmsNorm(layer.at('post_attention_layernorm'), x, c.normEps)
      x = add(layer, x, (hasExperts ? experts : gatedMlp)(layer.at('mlp'), c, h))
    }
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function experts(m: Scope, c: Qwen3MoeConfig, x: Value): Value {
  const logits = linear(m.at('gate'), x, c.numExperts, { precise: true })
  const { expertsPerToken: chosen, renormalize } = c
  return expertMlp(m.at('experts.{e}'), c, x, route(m, logits, { chosen, scoring: 'softmax', renormalize }))
}

function selfAttention(m: Scope, c: Qwen3MoeConfig, x: Value, { positions }: StepValues): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const qNormed = headRmsNorm(m.at('q_norm'), q, c.normEps)
  const kNormed = headRmsNorm(m.at('k_norm'), k, c.normEps)
  const y = attention(m, rope(m, qNormed, positions, c.rope), rope(m, kNormed, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window: c.window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
