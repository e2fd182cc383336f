import { type CohereConfig, cohereKeys, parseCohereConfig } from '../cohere/cohere.config.js'
import { requireSwitch } from '../decoder-config.js'
import type { HfConfig } from '../hf-config.js'
import { layerWindows, slidesBut, slidingWindow, type Window, windowKeys } from '../layer-windows.js'

/** Sizes and switches of Command R7B and Command A. */
export interface Cohere2Config extends CohereConfig {
  /** One for each layer; those without have no positions. */
  readonly windows: readonly Window[]
}

export const cohere2Keys = [
  ...cohereKeys,
  ...windowKeys,
  'cache_implementation',
  'layer_switch',
  'order_of_interleaved_layers',
] as const

/** Reads the config of Cohere2ForCausalLM with the defaults of Transformers: every fourth layer is full. */
export function parseCohere2Config(config: HfConfig): Cohere2Config {
  const cohere = parseCohereConfig(config)
  requireSwitch(config, 'use_qk_norm', false)
  const pattern = config.integer('sliding_window_pattern', { min: 1, fallback: 4 })
  const windows = layerWindows(config, cohere.numLayers, slidingWindow(config, 4096), slidesBut(pattern))
  return { ...cohere, windows }
}
