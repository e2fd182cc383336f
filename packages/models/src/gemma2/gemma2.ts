import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  geluTanh,
  linear,
  lmHead,
  rmsNorm,
  rope,
  roundToModel,
  scale,
  softcap,
} from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import type { Window } from '../layer-windows.js'
import { type Gemma2Config, type GemmaConfig, parseGemma2Config } from './gemma2.config.js'

/** Gemma 2: norms before and after each half of a layer, soft-capped scores and logits, every second layer slides. */
export const gemma2 = defineModel({
  architectures: ['Gemma2ForCausalLM'],
  config: parseGemma2Config,

  forward(m, c, step) {
    let x = gemmaEmbedding(m.at('model.embed_tokens'), c, step)
    for (const [layer, window] of m.along('model.layers', c.windows)) {
      x = gemmaLayer(layer, c, x, (normed) => selfAttention(layer.at('self_attn'), c, normed, step, window))
    }
    return gemmaLogits(m, 'model', c, gatherRows(m, x, step.logitRows))
  },
})

function selfAttention(
  m: Scope,
  c: Gemma2Config,
  x: Value,
  { positions }: StepValues,
  window: Window,
): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const y = attention(m, rope(m, q, positions, c.rope), rope(m, k, positions, c.rope), v, {
    scale: c.queryPreAttnScalar ** -0.5,
    window,
    softcap: c.attentionSoftcap,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}

/** Checkpoints keep the weights of norms less 1. */
export const gemmaNorm = (m: Scope, c: GemmaConfig, x: Value): Value =>
  rmsNorm(m, x, c.normEps, { weightPlus: 1 })

/** Embeddings times sqrt(hiddenSize), a constant that the model was trained with in its own precision. */
export function gemmaEmbedding(m: Scope, c: GemmaConfig, { tokens }: StepValues): Value {
  const factor = roundToModel(m, Math.sqrt(c.hiddenSize))
  return scale(m, embed(m, tokens, c.vocabSize, c.hiddenSize), factor)
}

/** A layer of Gemma 2 and 3 around its attention. */
export function gemmaLayer(m: Scope, c: GemmaConfig, x: Value, attend: (normed: Value) => Value): Value {
  const attended = attend(gemmaNorm(m.at('input_layernorm'), c, x))
  const h = add(m, x, gemmaNorm(m.at('post_attention_layernorm'), c, attended))
  const normed = gemmaNorm(m.at('pre_feedforward_layernorm'), c, h)
  const mixed = gatedMlp(m.at('mlp'), c, normed, { activation: geluTanh })
  return add(m, h, gemmaNorm(m.at('post_feedforward_layernorm'), c, mixed))
}

/** The last norm and the head, soft-capped where the config says so. `decoder` is the path of what lies below the head. */
export function gemmaLogits(m: Scope, decoder: string, c: GemmaConfig, x: Value): Value {
  const normed = gemmaNorm(m.at(decoder).at('norm'), c, x)
  const tiedTo = c.tieWordEmbeddings ? m.at(decoder).at('embed_tokens').path : undefined
  const logits = lmHead(m.at('lm_head'), normed, c.vocabSize, { tiedTo })
  return c.logitSoftcap === undefined ? logits : softcap(m.at('lm_head'), logits, c.logitSoftcap)
}
