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
} from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import type { Window } from '../layer-windows.js'
import { parseQwen3Config, type Qwen3Config } from './qwen3.config.js'

/** Qwen3, dense: each head of q and k is normed before it rotates. */
export const qwen3 = defineModel({
  architectures: ['Qwen3ForCausalLM'],
  config: parseQwen3Config,

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

function decoderLayer(m: Scope, c: Qwen3Config, x: Value, step: StepValues, window: Window): Value {
  const normed = rmsNorm(m.at('input_layernorm'), x, c.normEps)
  const h = add(m, x, selfAttention(m.at('self_attn'), c, normed, step, window))
  return add(m, h, gatedMlp(m.at('mlp'), c, rmsNorm(m.at('post_attention_layernorm'), h, c.normEps)))
}

function selfAttention(m: Scope, c: Qwen3Config, x: Value, { positions }: StepValues, window: Window): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const qNormed = headRmsNorm(m.at('q_norm'), q, c.normEps)
  const kNormed = headRmsNorm(m.at('k_norm'), k, c.normEps)
  const y = attention(m, rope(m, qNormed, positions, c.rope), rope(m, kNormed, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}
