import { badCheckpoint } from '../bad-input.js'
import { architectureOf } from '../decoder-config.js'
import { type GemmaConfig, gemma2Keys, gemmaSizes, parseGemma } from '../gemma2/gemma2.config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidesBut, slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Gemma 3's text model. */
export interface Gemma3Config extends GemmaConfig {
  /** One for each layer. */
  readonly windows: readonly Window[]
  /** Of layers that see everything. */
  readonly rope: Rope
  /** Of layers that slide. */
  readonly localRope: Rope
  readonly maxSeqLen: number
  /** Path of the text model in the checkpoint; empty where the checkpoint is nothing else. */
  readonly textPath: string
}

export const gemma3Keys = [...gemma2Keys, 'rope_local_base_freq'] as const

/** Keys of the class that has a vision model beside the text model. */
export const gemma3ConditionalKeys = [
  'boi_token_index',
  'eoi_token_index',
  'image_token_index',
  'mm_tokens_per_image',
  'text_config',
  'vision_config',
] as const

/** Reads the text config of Gemma3ForCausalLM or Gemma3ForConditionalGeneration with the defaults of Transformers. */
export function parseGemma3Config(source: HfConfig): Gemma3Config {
  const isConditional = architectureOf(source) === 'Gemma3ForConditionalGeneration'
  const config = isConditional ? textConfig(source) : source
  const gemma = parseGemma(config, { ...gemmaSizes, vocabSize: 262_208 }, undefined)
  if (config.has('attn_logit_softcapping')) {
    throw badCheckpoint(
      `${config.file}: ${config.name('attn_logit_softcapping')} ${config.show('attn_logit_softcapping')} is not supported; expected null`,
    )
  }
  const pattern = config.integer('sliding_window_pattern', { min: 1, fallback: 6 })
  return {
    ...gemma,
    // Transformers caps the logits of the text class alone.
    logitSoftcap: isConditional ? undefined : gemma.logitSoftcap,
    windows: layerWindows(config, gemma.numLayers, slidingWindow(config, 4096), slidesBut(pattern)),
    ...ropes(config, gemma.headDim),
    textPath: isConditional ? 'language_model' : '',
  }
}

function textConfig(source: HfConfig): HfConfig {
  const config = source.section('text_config')
  if (config) return config
  throw badCheckpoint(`${source.file}: text_config is missing; expected an object`)
}

/** Two ropes: beside each other in `rope_parameters` by layer type, or by the older keys. */
function ropes(config: HfConfig, headDim: number): Pick<Gemma3Config, 'rope' | 'localRope' | 'maxSeqLen'> {
  const maxSeqLen = config.integer('max_position_embeddings', { min: 1, fallback: 131_072 })
  const byType = config.section('rope_parameters')
  const globalSection = config.section('rope_scaling') ?? byType?.section('full_attention')
  const localBase = config.number('rope_local_base_freq', { fallback: 10_000 })
  const localSection = byType?.section('sliding_attention') ?? config.with({ rope_theta: localBase })
  const { rope } = parseRope(config, headDim, maxSeqLen, { section: globalSection, base: 1_000_000 })
  const local = parseRope(config, headDim, maxSeqLen, { section: localSection, base: localBase })
  return { rope, localRope: local.rope, maxSeqLen }
}
