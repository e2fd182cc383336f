import { type DecoderSizes, parseSizes, requireSilu, requireSwitch, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidingWindow, type Window } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of Qwen2; Qwen3 adds biases that can be chosen. */
export interface Qwen2Config extends DecoderSizes {
  readonly normEps: number
  readonly tieWordEmbeddings: boolean
  /** One for each layer. */
  readonly windows: readonly Window[]
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const qwen2Keys = [
  ...sizeKeys,
  'hidden_act',
  'layer_types',
  'max_window_layers',
  'rms_norm_eps',
  'sliding_window',
  'use_mrope',
  'use_sliding_window',
] as const

/** Reads the config of Qwen2ForCausalLM with the defaults of Transformers. */
export const parseQwen2Config = (config: HfConfig): Qwen2Config => parseQwen(config, { numKvHeads: 32 })

/** What Qwen2 and Qwen3 read alike: with `use_sliding_window`, layers from `max_window_layers` on slide. */
export function parseQwen(config: HfConfig, defaults: Partial<DecoderSizes>): Qwen2Config {
  const sizes = parseSizes(config, defaults)
  requireSilu(config)
  requireSwitch(config, 'use_mrope', false)
  const window = config.boolean('use_sliding_window', false) ? slidingWindow(config, 4096) : undefined
  const numFull = config.integer('max_window_layers', { min: 0, fallback: 28 })
  const isSliding = (layer: number): boolean => window !== undefined && layer >= numFull
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 32_768 })
  return {
    ...sizes,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    windows: layerWindows(config, sizes.numLayers, window, isSliding),
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}
