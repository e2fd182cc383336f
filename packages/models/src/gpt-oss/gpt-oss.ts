import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  attentionSinks,
  clampedSiluMul,
  combineExperts,
  embed,
  gatherRows,
  linear,
  lmHead,
  packedExpertLinears,
  rmsNorm,
  rope,
  route,
} from '@trtllm/graph/layers'
import { queryKeyValue } from '../blocks/query-key-value.js'
import type { Window } from '../layer-windows.js'
import { type GptOssConfig, parseGptOssConfig } from './gpt-oss.config.js'

/** GPT-OSS: attention with a sink for each head, every second layer windowed; experts with biases and a clamped gate. */
export const gptOss = defineModel({
  architectures: ['GptOssForCausalLM'],
  config: parseGptOssConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const [layer, window] of m.along('model.layers', c.windows)) {
      const normed = rmsNorm(layer.at('input_layernorm'), x, c.normEps)
      x = add(layer, x, selfAttention(layer.at('self_attn'), c, normed, step, window))
      x = add(
        layer,
        x,
        experts(layer.at('mlp'), c, rmsNorm(layer.at('post_attention_layernorm'), x, c.normEps)),
      )
    }
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function experts(m: Scope, c: GptOssConfig, x: Value): Value {
  const logits = linear(m.at('router'), x, c.numExperts, { precise: true, bias: true })
  const routed = route(m, logits, { chosen: c.expertsPerToken, scoring: 'softmax', renormalize: true })
  const { gate, up } = packedExpertLinears(
    m.at('experts.gate_up_proj'),
    x,
    routed,
    { gate: c.expertSize, up: c.expertSize },
    { interleaved: true, split: 'out', bias: true },
  )
  const hidden = clampedSiluMul(m, gate, up, { limit: c.gateLimit, alpha: 1.702 })
  const down = { of: 'pairs', split: 'in', bias: true } as const
  const { y } = packedExpertLinears(m.at('experts.down_proj'), hidden, routed, { y: c.hiddenSize }, down)
  return combineExperts(m, y, routed, down)
}

function selfAttention(
  m: Scope,
  c: GptOssConfig,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window,
    sinks: attentionSinks(m, 'sinks', c.numHeads),
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
