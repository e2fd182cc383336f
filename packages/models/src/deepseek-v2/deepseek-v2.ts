import { defineModel, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { add, embed, gatherRows, linear, lmHead, rmsNorm, route } from '@trtllm/graph/layers'
import { expertMlp } from '../blocks/expert-mlp.js'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { latentSelfAttention } from '../blocks/latent-self-attention.js'
import {
  type DeepseekV2Config,
  type LatentDecoderConfig,
  parseDeepseekV2Config,
} from './deepseek-v2.config.js'

/** DeepSeek-V2 and V2-Lite: experts by softmax, in V2 among the best groups only. */
export const deepseekV2 = defineModel({
  architectures: ['DeepseekV2ForCausalLM'],
  config: parseDeepseekV2Config,
  forward: (m, c, step) => latentDecoder(m, c, step, experts),
})

function experts(m: Scope, c: DeepseekV2Config, x: Value): Value {
  const logits = linear(m.at('gate'), x, c.numExperts, { precise: true })
  const { expertsPerToken: chosen, routedFactor: factor, mlpBias: bias } = c
  const groups = c.groups && { ...c.groups, best: 1 }
  const routed = expertMlp(
    m.at('experts.{e}'),
    c,
    x,
    route(m, logits, { chosen, scoring: 'softmax', factor, groups }),
  )
  return add(m, routed, gatedMlp(m.at('shared_experts'), sharedSizes(c), x, { bias }))
}

/** The shared experts are one MLP. */
export const sharedSizes = ({ hiddenSize, expertSize, numSharedExperts }: LatentDecoderConfig) => ({
  hiddenSize,
  intermediateSize: expertSize * numSharedExperts,
})

/** A decoder with latent attention whose layers have an MLP or `experts`. */
export function latentDecoder<Config extends LatentDecoderConfig>(
  m: Scope,
  c: Config,
  step: StepValues,
  experts: (m: Scope, c: Config, x: Value) => Value,
): Value {
  let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
  for (const [layer, hasExperts] of m.along('model.layers', c.hasExperts)) {
    const normed = rmsNorm(layer.at('input_layernorm'), x, c.normEps)
    x = add(layer, x, latentSelfAttention(layer.at('self_attn'), c, normed, step))
    const h = rmsNorm(layer.at('post_attention_layernorm'), x, c.normEps)
    const mlp = layer.at('mlp')
    x = add(layer, x, hasExperts ? experts(mlp, c, h) : gatedMlp(mlp, c, h, { bias: c.mlpBias }))
  }
  x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), c.normEps)
  return lmHead(m.at('lm_head'), x, c.vocabSize, {
    tiedTo: c.tieWordEmbeddings ? 'model.embed_tokens' : undefined,
  })
}
