import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { add, attention, embed, gatherRows, linear, lmHead, rmsNorm, rope } from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import type { Window } from '../layer-windows.js'
import { parseQwen2Config, type Qwen2Config } from './qwen2.config.js'

/** Qwen2, Qwen2.5, QwQ and what is distilled into them: Llama with biases on q, k and v. */
export const qwen2 = defineModel({
  architectures: ['Qwen2ForCausalLM'],
  config: parseQwen2Config,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const [layer, window] of m.along('model.layers', c.windows))
      x = decoderLayer(layer, c, x, step, window)
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function decoderLayer(m: Scope, c: Qwen2Config, x: Value, step: StepValues, window: Window): Value {
  const normed = rmsNorm(m.at('input_layernorm'), x, c.normEps)
  const h = add(m, x, selfAttention(m.at('self_attn'), c, normed, step, window))
  return add(m, h, gatedMlp(m.at('mlp'), c, rmsNorm(m.at('post_attention_layernorm'), h, c.normEps)))
}

function selfAttention(m: Scope, c: Qwen2Config, x: Value, { positions }: StepValues, window: Window): Value {
  const { q, k, v } = queryKeyValue(m, c, x, true)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in' })
}
