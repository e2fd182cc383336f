import { contradictoryConfig } from '../bad-input.js'
import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidesBut, slidingWindow, type Window, windowKeys } from '../layer-windows.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of EXAONE 4.0. */
export interface Exaone4Config extends DecoderSizes {
  readonly normEps: number
  readonly tieWordEmbeddings: boolean
  /** One for each layer. */
  readonly windows: readonly Window[]
  /** Whether only layers that slide rotate: so where there is a window at all. */
  readonly isHybrid: boolean
  readonly rope: Rope
  readonly maxSeqLen: number
}

export const exaone4Keys = [...sizeKeys, ...windowKeys, 'hidden_act', 'rms_norm_eps'] as const

/** Reads the config of Exaone4ForCausalLM with the defaults of Transformers. */
export function parseExaone4Config(config: HfConfig): Exaone4Config {
  const sizes = parseSizes(config, { numKvHeads: 32 })
  requireSilu(config)
  const window = slidingWindow(config, 4096)
  const isSliding = window === undefined ? () => false : slidingPattern(config, sizes.numLayers)
  const maxPositions = config.integer('max_position_embeddings', { min: 1, fallback: 2048 })
  return {
    ...sizes,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    windows: layerWindows(config, sizes.numLayers, window, isSliding),
    isHybrid: window !== undefined,
    ...parseRope(config, sizes.headDim, maxPositions),
  }
}

/** A number (every n-th layer is full) or letters that repeat, L for sliding and G for full; then the last layer is full. */
function slidingPattern(config: HfConfig, numLayers: number): (layer: number) => boolean {
  const key = 'sliding_window_pattern'
  if (typeof config.values[key] !== 'string') {
    return slidesBut(config.integer(key, { min: 1, fallback: 4 }))
  }
  const letters = config.string(key)
  if (!/^[LG]+$/.test(letters)) {
    throw contradictoryConfig(
      `${config.file}: ${config.name(key)} must be a number or letters L and G, found "${letters}"`,
    )
  }
  return (layer) => letters[layer % letters.length] === 'L' && layer < numLayers - 1
}
