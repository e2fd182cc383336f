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
import { type Exaone4Config, parseExaone4Config } from './exaone4.config.js'

/** EXAONE 4.0: norms after each half of a layer, normed q and k; in hybrids the full layers have no positions. */
export const exaone4 = defineModel({
  architectures: ['Exaone4ForCausalLM'],
  config: parseExaone4Config,

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

function decoderLayer(m: Scope, c: Exaone4Config, x: Value, step: StepValues, window: Window): Value {
  const attended = selfAttention(m.at('self_attn'), c, x, step, window)
  const h = add(m, x, rmsNorm(m.at('post_attention_layernorm'), attended, c.normEps))
  const mixed = gatedMlp(m.at('mlp'), c, h)
  return add(m, h, rmsNorm(m.at('post_feedforward_layernorm'), mixed, c.normEps))
}

function selfAttention(
  m: Scope,
  c: Exaone4Config,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x)
  const placed = (norm: Scope, heads: Value): Value => {
    const normed = headRmsNorm(norm, heads, c.normEps)
    return c.isHybrid && window === undefined ? normed : rope(m, normed, positions, c.rope)
  }
  const y = attention(m, placed(m.at('q_norm'), q), placed(m.at('k_norm'), k), v, {
    scale: c.headDim ** -0.5,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in' })
}
