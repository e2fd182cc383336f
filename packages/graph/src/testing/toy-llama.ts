import { defineModel } from '../define-model.js'
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
} from '../layers.js'
import type { Scope } from '../scope.js'
import type { StepLimits } from '../step-layout.js'
import type { StepValues } from '../step-values.js'
import type { Value } from '../value.js'

export interface ToyConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly bias: boolean
  readonly tied: boolean
  /** Window of odd layers, 0 = none. */
  readonly oddWindow: number
}

export const toyConfig: ToyConfig = {
  vocabSize: 96,
  hiddenSize: 64,
  intermediateSize: 128,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 16,
  bias: false,
  tied: true,
  oddWindow: 0,
}

export const toyLimits: Omit<StepLimits, 'numPools' | 'pageTokens'> = {
  maxTokens: 128,
  maxRows: 8,
  maxSeqs: 8,
  numSlots: 8,
  maxSeqLen: 255,
  maxDeltas: 64,
  maxDeltaWords: 1024,
}

/** A decoder of the Llama kind for the tests of this package. */
export const toyLlama = defineModel({
  architectures: ['ToyForCausalLM'],
  config: (config: ToyConfig) => config,
  forward(m, c, step) {
    let x = embed(m.at('model.embed_tokens'), step.tokens, c.vocabSize, c.hiddenSize)
    let index = 0
    for (const layer of m.each('model.layers', c.numLayers)) {
      x = decoderLayer(layer, c, x, step, index++ % 2 === 1 ? c.oddWindow : 0)
    }
    x = rmsNorm(m.at('model.norm'), gatherRows(m, x, step.logitRows), 1e-5)
    return lmHead(m.at('lm_head'), x, c.vocabSize, { tiedTo: c.tied ? 'model.embed_tokens' : undefined })
  },
})

function decoderLayer(m: Scope, c: ToyConfig, x: Value, step: StepValues, window: number): Value {
  const normed = rmsNorm(m.at('input_layernorm'), x, 1e-5)
  const h = add(m, x, selfAttention(m.at('self_attn'), c, normed, step, window))
  return add(m, h, gatedMlp(m.at('mlp'), c, rmsNorm(m.at('post_attention_layernorm'), h, 1e-5)))
}

function selfAttention(m: Scope, c: ToyConfig, x: Value, { positions }: StepValues, window: number): Value {
  const { bias, headDim } = c
  const q = linear(m.at('q_proj'), x, heads(c.numHeads, headDim), { split: 'out', bias })
  const k = linear(m.at('k_proj'), x, heads(c.numKvHeads, headDim), { split: 'out', bias })
  const v = linear(m.at('v_proj'), x, heads(c.numKvHeads, headDim), { split: 'out', bias })
  const table = Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim))
  const rotation = {
    kind: 'default',
    rotaryDim: headDim,
    headDim,
    base: 10000,
    interleaved: false,
    attentionFactor: 1,
    inverseFrequencies: [table],
  }
  const y = attention(m, rope(m, q, positions, rotation), rope(m, k, positions, rotation), v, {
    scale: 0.25,
    window,
  })
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias })
}

function gatedMlp(m: Scope, c: ToyConfig, x: Value): Value {
  const gate = linear(m.at('gate_proj'), x, c.intermediateSize, { split: 'out' })
  const up = linear(m.at('up_proj'), x, c.intermediateSize, { split: 'out' })
  return linear(m.at('down_proj'), mul(m, silu(m, gate), up), c.hiddenSize, { split: 'in' })
}
