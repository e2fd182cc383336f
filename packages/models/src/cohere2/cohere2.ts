import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { attention, embed, gatherRows, linear, rope } from '@trtllm/graph/layers'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { cohereLayer, cohereLogits } from '../cohere/cohere.js'
import type { Window } from '../layer-windows.js'
import { type Cohere2Config, parseCohere2Config } from './cohere2.config.js'

/** Command R7B and Command A: Command R with layers that slide and rotate, and full layers that do neither. */
export const cohere2 = defineModel({
  architectures: ['Cohere2ForCausalLM'],
  config: parseCohere2Config,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const [layer, window] of m.along('model.layers', c.windows)) {
      x = cohereLayer(layer, c, x, (normed) => selfAttention(layer.at('self_attn'), c, normed, step, window))
    }
    return cohereLogits(m, c, gatherRows(m, x, step.logitRows))
  },
})

function selfAttention(
  m: Scope,
  c: Cohere2Config,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const placed = (value: Value): Value => (window === undefined ? value : rope(m, value, positions, c.rope))
  const y = attention(m, placed(q), placed(k), v, { scale: c.headDim ** -0.5, window })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
