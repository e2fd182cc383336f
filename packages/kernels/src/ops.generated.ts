// Written by scripts/generate.mjs (pnpm gen); do not edit.
import { add } from '../ops/add/add.op.js'
import { addRmsNorm } from '../ops/add-rms-norm/add-rms-norm.op.js'
import { addRmsNormLinearF8 } from '../ops/add-rms-norm-linear-f8/add-rms-norm-linear-f8.op.js'
import { allGather } from '../ops/all-gather/all-gather.op.js'
import { allReduce } from '../ops/all-reduce/all-reduce.op.js'
import { applyDeltas } from '../ops/apply-deltas/apply-deltas.op.js'
import { clampedSiluMul } from '../ops/clamped-silu-mul/clamped-silu-mul.op.js'
import { combineExperts } from '../ops/combine-experts/combine-experts.op.js'
import { copyPages } from '../ops/copy-pages/copy-pages.op.js'
import { embed } from '../ops/embed/embed.op.js'
import { expertLinear } from '../ops/expert-linear/expert-linear.op.js'
import { gatherRows } from '../ops/gather-rows/gather-rows.op.js'
import { gatherTokens } from '../ops/gather-tokens/gather-tokens.op.js'
import { geluTanh } from '../ops/gelu-tanh/gelu-tanh.op.js'
import { geluTanhMul } from '../ops/gelu-tanh-mul/gelu-tanh-mul.op.js'
import { headLayerNorm } from '../ops/head-layer-norm/head-layer-norm.op.js'
import { headRmsNorm } from '../ops/head-rms-norm/head-rms-norm.op.js'
import { kvWrite } from '../ops/kv-write/kv-write.op.js'
import { latentAttention } from '../ops/latent-attention/latent-attention.op.js'
import { latentWrite } from '../ops/latent-write/latent-write.op.js'
import { layerNorm } from '../ops/layer-norm/layer-norm.op.js'
import { linear } from '../ops/linear/linear.op.js'
import { linearF8 } from '../ops/linear-f8/linear-f8.op.js'
import { linearF8Blocks } from '../ops/linear-f8-blocks/linear-f8-blocks.op.js'
import { linearI8 } from '../ops/linear-i8/linear-i8.op.js'
import { logprobs } from '../ops/logprobs/logprobs.op.js'
import { mul } from '../ops/mul/mul.op.js'
import { normRopeKvWrite } from '../ops/norm-rope-kv-write/norm-rope-kv-write.op.js'
import { normRopeLatentWrite } from '../ops/norm-rope-latent-write/norm-rope-latent-write.op.js'
import { pagedAttention } from '../ops/paged-attention/paged-attention.op.js'
import { penalize } from '../ops/penalize/penalize.op.js'
import { positionTemperature } from '../ops/position-temperature/position-temperature.op.js'
import { rmsNorm } from '../ops/rms-norm/rms-norm.op.js'
import { rmsNormAdd } from '../ops/rms-norm-add/rms-norm-add.op.js'
import { rmsNormAddRmsNorm } from '../ops/rms-norm-add-rms-norm/rms-norm-add-rms-norm.op.js'
import { rope } from '../ops/rope/rope.op.js'
import { ropeKvWrite } from '../ops/rope-kv-write/rope-kv-write.op.js'
import { route } from '../ops/route/route.op.js'
import { sample } from '../ops/sample/sample.op.js'
import { scale } from '../ops/scale/scale.op.js'
import { scaleRows } from '../ops/scale-rows/scale-rows.op.js'
import { sigmoid } from '../ops/sigmoid/sigmoid.op.js'
import { silu } from '../ops/silu/silu.op.js'
import { siluMul } from '../ops/silu-mul/silu-mul.op.js'
import { siluMulLinearF8 } from '../ops/silu-mul-linear-f8/silu-mul-linear-f8.op.js'
import { softcap } from '../ops/softcap/softcap.op.js'
import type { OpSchema } from './define-op.js'

/** Every op, by the name it has in TypeScript. */
export const ops = {
  add,
  addRmsNorm,
  addRmsNormLinearF8,
  allGather,
  allReduce,
  applyDeltas,
  clampedSiluMul,
  combineExperts,
  copyPages,
  embed,
  expertLinear,
  gatherRows,
  gatherTokens,
  geluTanh,
  geluTanhMul,
  headLayerNorm,
  headRmsNorm,
  kvWrite,
  latentAttention,
  latentWrite,
  layerNorm,
  linear,
  linearF8,
  linearF8Blocks,
  linearI8,
  logprobs,
  mul,
  normRopeKvWrite,
  normRopeLatentWrite,
  pagedAttention,
  penalize,
  positionTemperature,
  rmsNorm,
  rmsNormAdd,
  rmsNormAddRmsNorm,
  rope,
  ropeKvWrite,
  route,
  sample,
  scale,
  scaleRows,
  sigmoid,
  silu,
  siluMul,
  siluMulLinearF8,
  softcap,
} as const

const byName = new Map<string, OpSchema>(Object.values(ops).map((op) => [op.name, op]))

/** The op with this schema name (`rms-norm`), or undefined. */
export const opByName = (name: string): OpSchema | undefined => byName.get(name)
