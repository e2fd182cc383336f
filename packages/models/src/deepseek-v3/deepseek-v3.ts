import { defineModel, type Scope, type Value } from '@trtllm/graph'
import { add, linear, route } from '@trtllm/graph/layers'
import { expertMlp } from '../blocks/expert-mlp.js'
import { gatedMlp } from '../blocks/gated-mlp.js'
import { latentDecoder, sharedSizes } from '../deepseek-v2/deepseek-v2.js'
import { type DeepseekV3Config, parseDeepseekV3Config } from './deepseek-v3.config.js'

/** DeepSeek-V3 and R1, Kimi K2: experts by sigmoid, a bias for their choice alone, groups by their two best. */
export const deepseekV3 = defineModel({
  architectures: ['DeepseekV3ForCausalLM'],
  config: parseDeepseekV3Config,
  forward: (m, c, step) => latentDecoder(m, c, step, experts),
})

function experts(m: Scope, c: DeepseekV3Config, x: Value): Value {
  const logits = linear(m.at('gate'), x, c.numExperts, { precise: true })
  const routed = route(m.at('gate'), logits, {
    chosen: c.expertsPerToken,
    scoring: 'sigmoid',
    choiceBias: 'e_score_correction_bias',
    groups: c.groups && { ...c.groups, best: 2 },
    renormalize: c.renormalize,
    factor: c.routedFactor,
  })
  const shared = gatedMlp(m.at('shared_experts'), sharedSizes(c), x)
  return add(m, expertMlp(m.at('experts.{e}'), c, x, routed), shared)
}
