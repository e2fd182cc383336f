import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  headLayerNorm,
  heads,
  layerNorm,
  linear,
  lmHead,
  rope,
  scale,
} from '@trtllm/graph/layers'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { queryKeyValue } from '../blocks/query-key-value.js'
import { type CohereConfig, parseCohereConfig } from './cohere.config.js'

/** Command R, R+ and Aya: one norm feeds attention and MLP side by side, logits are scaled. */
export const cohere = defineModel({
  architectures: ['CohereForCausalLM'],
  config: parseCohereConfig,

  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    for (const layer of m.each('model.layers', c.numLayers)) {
      x = cohereLayer(layer, c, x, (normed) => selfAttention(layer.at('self_attn'), c, normed, step))
    }
    return cohereLogits(m, c, gatherRows(m, x, step.logitRows))
  },
})

function selfAttention(m: Scope, c: CohereConfig, x: Value, { positions }: StepValues): Value {
  const { q, k, v } = queryKeyValue(m, c, x, c.attentionBias)
  const turned = (norm: Scope, value: Value, count: number): Value => {
    const normed = c.useQkNorm ? headLayerNorm(norm, value, heads(count, c.headDim), c.normEps) : value
    return rope(m, normed, positions, c.rope)
  }
  const qTurned = turned(m.at('q_norm'), q, c.numHeads)
  const kTurned = turned(m.at('k_norm'), k, c.numKvHeads)
  const y = attention(m, qTurned, kTurned, v, { scale: c.headDim ** -0.5 })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias: c.attentionBias })
}

/** What a layer and the head of Command models need to know. */
type CohereBlock = Pick<
  CohereConfig,
  'hiddenSize' | 'intermediateSize' | 'logitScale' | 'normEps' | 'tieWordEmbeddings' | 'vocabSize'
>

/** A layer of Command R and of Command R7B around its attention. */
export function cohereLayer(m: Scope, c: CohereBlock, x: Value, attend: (normed: Value) => Value): Value {
  const normed = layerNorm(m.at('input_layernorm'), x, c.normEps)
  return add(m, add(m, x, attend(normed)), gatedMlp(m.at('mlp'), c, normed))
}

/** The last norm and the scaled head. */
export function cohereLogits(m: Scope, c: CohereBlock, x: Value): Value {
  const normed = layerNorm(m.at('model.norm'), x, c.normEps)
  const tiedTo = c.tieWordEmbeddings ? 'model.embed_tokens' : undefined
  return scale(m.at('lm_head'), lmHead(m.at('lm_head'), normed, c.vocabSize, { tiedTo }), c.logitScale)
}
