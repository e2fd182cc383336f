import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  heads,
  linear,
  lmHead,
  mul,
  rmsNorm,
  rope,
  silu,
  stackedLinears,
} from '@trtllm/graph/layers'
import { type Phi3Config, parsePhi3Config } from './phi3.config.js'

/** Phi-3, Phi-3.5, Phi-4 and Phi-4-mini: Llama whose checkpoints stack q, k and v, and gate and up. */
export const phi3 = defineModel({
  architectures: ['Phi3ForCausalLM'],
  config: parsePhi3Config,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const layer of m.each('model.layers', c.numLayers)) x = decoderLayer(layer, c, x, step)
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
    return lmHead(m.at('lm_head'), x, c.vocabSize, {
      tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
    })
  },
})

function decoderLayer(m: Scope, c: Phi3Config, x: Value, step: StepValues): Value {
  const attended = selfAttention(m.at('self_attn'), c, rmsNorm(m.at('input_layernorm'), x, c.normEps), step)
  const h = add(m, x, attended)
  const mixed = mlp(m.at('mlp'), c, rmsNorm(m.at('post_attention_layernorm'), h, c.normEps))
  return add(m, h, mixed)
}

function selfAttention(m: Scope, c: Phi3Config, x: Value, { positions }: StepValues): Value {
  const kvHeads = heads(c.numKvHeads, c.headDim)
  const widths = { q: heads(c.numHeads, c.headDim), k: kvHeads, v: kvHeads }
  const { q, k, v } = stackedLinears(m.at('qkv_proj'), x, widths, { split: 'out' })
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.headDim ** -0.5,
    window: c.slidingWindow,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in' })
}

function mlp(m: Scope, c: Phi3Config, x: Value): Value {
  const widths = { gate: c.intermediateSize, up: c.intermediateSize }
  const { gate, up } = stackedLinears(m.at('gate_up_proj'), x, widths, { split: 'out' })
  return linear(m.at('down_proj'), mul(m, silu(m, gate), up), c.hiddenSize, { split: 'in' })
}
