import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  linear,
  lmHead,
  rmsNorm,
  rope,
  route,
  scaleRows,
  sigmoid,
} from '@trtllm/graph/layers'
import { expertMlp } from '../blocks/expert-mlp.js'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import type { Window } from '../layer-windows.js'
import { parseQwen2MoeConfig, type Qwen2MoeConfig } from './qwen2-moe.config.js'

/** Qwen1.5-MoE and Qwen2 with experts: beside those of its router a token always goes to a shared one, through a gate. */
export const qwen2Moe = defineModel({
  architectures: ['Qwen2MoeForCausalLM'],
  config: parseQwen2MoeConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const [index, window] of c.windows.entries()) {
      const layer = m.at(`model.layers.${index}`)
      const normed = rmsNorm(layer.at('input_layernorm'), x, c.normEps)
      x = add(layer, x, selfAttention(layer.at('self_attn'), c, normed, step, window))
      const h = rmsNorm(layer.at('post_attention_layernorm'), x, c.normEps)
      x = add(layer, x, (c.hasExperts[index] ? experts : gatedMlp)(layer.at('mlp'), c, h))
    }
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function experts(m: Scope, c: Qwen2MoeConfig, x: Value): Value {
  const logits = linear(m.at('gate'), x, c.numExperts, { precise: true })
  const { expertsPerToken: chosen, renormalize } = c
  const routed = route(m, logits, { chosen, scoring: 'softmax', renormalize })
  const chosenOnes = expertMlp(m.at('experts.{e}'), c, x, routed)
  const sizes = { hiddenSize: c.hiddenSize, intermediateSize: c.sharedExpertSize }
  const gate = sigmoid(m, linear(m.at('shared_expert_gate'), x, 1, { precise: true }))
  return add(m, chosenOnes, scaleRows(m, gatedMlp(m.at('shared_expert'), sizes, x), gate))
}

function selfAttention(
  m: Scope,
  c: Qwen2MoeConfig,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in' })
}
