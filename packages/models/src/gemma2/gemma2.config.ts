import {
  type DecoderSizes,
  parseSizes,
  requireActivation,
  requireSwitch,
  sizeKeys,
} from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidesBut, slidingWindow, type Window, windowKeys } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** What Gemma 2 and Gemma 3 have in common. */
export interface GemmaConfig extends DecoderSizes {
  readonly normEps: number
  readonly attentionBias: boolean
  readonly tieWordEmbeddings: boolean
  /** Scores are divided by its square root. */
  readonly queryPreAttnScalar: number
  readonly logitSoftcap: number | undefined
}

/** Sizes and switches of Gemma 2. */
export interface Gemma2Config extends GemmaConfig {
  readonly attentionSoftcap: number | undefined
  /** One for each layer. */
  readonly windows: readonly Window[]
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const gemma2Keys = [
  ...sizeKeys,
  ...windowKeys,
  'attention_bias',
  'attn_logit_softcapping',
  'cache_implementation',
  'final_logit_softcapping',
  'hidden_act',
  'hidden_activation',
  'query_pre_attn_scalar',
  'rms_norm_eps',
  'use_bidirectional_attention',
] as const

/** Sizes that Transformers fills in for both Gemmas. */
export const gemmaSizes: Partial<DecoderSizes> = {
  hiddenSize: 2304,
  intermediateSize: 9216,
  numLayers: 26,
  numHeads: 8,
  numKvHeads: 4,
  headDim: 256,
}

/** Reads the config of Gemma2ForCausalLM with the defaults of Transformers: every second layer slides, the first does. */
export function parseGemma2Config(config: HfConfig): Gemma2Config {
  const gemma = parseGemma(config, { ...gemmaSizes, vocabSize: 256_000 }, 30)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 8192 })
  return {
    ...gemma,
    attentionSoftcap: softcapOf(config, 'attn_logit_softcapping', 50),
    windows: layerWindows(config, gemma.numLayers, slidingWindow(config, 4096), slidesBut(2)),
    ...parseRope(config, gemma.headDim, maxPositions),
  }
}

/** What both Gemmas read alike. */
export function parseGemma(
  config: HfConfig,
  defaults: Partial<DecoderSizes>,
  logitSoftcap: number | undefined,
): GemmaConfig {
  requireActivation(config, 'hidden_activation', ['gelu_pytorch_tanh'])
  requireSwitch(config, 'use_bidirectional_attention', false)
  return {
    ...parseSizes(config, defaults),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    attentionBias: config.boolean('attention_bias', false),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', true),
    queryPreAttnScalar: config.number('query_pre_attn_scalar', { min: 1, fallback: 256 }),
    logitSoftcap: softcapOf(config, 'final_logit_softcapping', logitSoftcap),
  }
}

/** A soft cap: undefined where the key is null, or absent without a default. */
function softcapOf(config: HfConfig, key: string, fallback: number | undefined): number | undefined {
  if (config.values[key] === undefined) return fallback
  return config.has(key) ? config.number(key, { min: 1e-3 }) : undefined
}
