import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  heads,
  linear,
  lmHead,
  rmsNorm,
  rope,
  shareOfHeads,
} from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { type Olmo2Config, parseOlmo2Config } from './olmo2.config.js'

/** OLMo 2: norms after each half of a layer, and over the whole width of q and of k. */
export const olmo2 = defineModel({
  architectures: ['Olmo2ForCausalLM'],
  config: parseOlmo2Config,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const layer of m.each('model.layers', c.numLayers)) x = decoderLayer(layer, c, x, step)
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function decoderLayer(m: Scope, c: Olmo2Config, x: Value, step: StepValues): Value {
  const attended = selfAttention(m.at('self_attn'), c, x, step)
  const h = add(m, x, rmsNorm(m.at('post_attention_layernorm'), attended, c.normEps))
  const mixed = gatedMlp(m.at('mlp'), c, h)
  return add(m, h, rmsNorm(m.at('post_feedforward_layernorm'), mixed, c.normEps))
}

/** A norm over all heads needs all of them: every rank computes q and k whole and goes on with its share. */
function selfAttention(m: Scope, c: Olmo2Config, x: Value, { positions }: StepValues): Value {
  const { attentionBias: bias } = c
  const turned = (name: 'q' | 'k', count: number): Value => {
    const whole = linear(m.at(`${name}_proj`), x, count * c.headDim, { bias })
    const normed = rmsNorm(m.at(`${name}_norm`), whole, c.normEps)
    return rope(m, shareOfHeads(m, normed, heads(count, c.headDim)), positions, c.rope)
  }
  const v = linear(m.at('v_proj'), x, heads(c.numKvHeads, c.headDim), { split: 'out', bias })
  const y = attention(m, turned('q', c.numHeads), turned('k', c.numKvHeads), v, { scale: c.headDim ** -0.5 })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias })
}
