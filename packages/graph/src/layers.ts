export { type AttentionOptions, attention, attentionSinks } from './layers/attention.js'
export {
  add,
  clampedSiluMul,
  geluTanh,
  mul,
  positionTemperature,
  scale,
  scaleRows,
  sigmoid,
  silu,
  softcap,
} from './layers/elementwise.js'
export { embed } from './layers/embed.js'
export {
  type CombineOptions,
  combineExperts,
  type ExpertLinearOptions,
  expertLinear,
  packedExpertLinears,
} from './layers/experts.js'
export { gatherRows } from './layers/gather-rows.js'
export { headLayerNorm, headRmsNorm, plainHeadRmsNorm } from './layers/head-norm.js'
export { type Heads, heads } from './layers/heads.js'
export {
  type LatentAttentionInputs,
  type LatentAttentionOptions,
  latentAttention,
} from './layers/latent-attention.js'
export { layerNorm } from './layers/layer-norm.js'
export { type LinearOptions, linear, stackedLinears } from './layers/linear.js'
export { type LmHeadOptions, lmHead } from './layers/lm-head.js'
export type { NormWeight } from './layers/norm-weight.js'
export { rmsNorm } from './layers/rms-norm.js'
export { type RopeConfig, rope } from './layers/rope.js'
export { roundToModel } from './layers/round-to-model.js'
export { type Routed, type RouteOptions, route } from './layers/route.js'
export { shareOfHeads } from './layers/share-of-heads.js'
