import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { attention, gatherRows, headRmsNorm, linear, rope } from '@trtllm/graph/layers'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { gemmaEmbedding, gemmaLayer, gemmaLogits } from '../gemma2/gemma2.js'
import type { Window } from '../layer-windows.js'
import { type Gemma3Config, parseGemma3Config } from './gemma3.config.js'

/** Gemma 3, text: Gemma 2 with normed q and k instead of soft caps, and a rope for layers that slide. */
export const gemma3 = defineModel({
  architectures: ['Gemma3ForCausalLM', 'Gemma3ForConditionalGeneration'],
  config: parseGemma3Config,

  forward(root, c, step) {
    const m = c.textPath === '' ? root : root.at(c.textPath)
    let x = gemmaEmbedding(m.at('model.embed_tokens'), c, step)
    for (const [layer, window] of m.along('model.layers', c.windows)) {
      x = gemmaLayer(layer, c, x, (normed) => selfAttention(layer.at('self_attn'), c, normed, step, window))
    }
    return gemmaLogits(m, 'model', c, gatherRows(m, x, step.logitRows))
  },
})

function selfAttention(
  m: Scope,
  c: Gemma3Config,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const rotation = window === undefined ? c.rope : c.localRope
  const turned = (norm: Scope, heads: Value): Value =>
    rope(m, headRmsNorm(norm, heads, c.normEps, { weightPlus: 1 }), positions, rotation)
  const y = attention(m, turned(m.at('q_norm'), q), turned(m.at('k_norm'), k), v, {
    scale: c.queryPreAttnScalar ** -0.5,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
