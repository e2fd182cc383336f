import { badCheckpoint, contradictoryConfig } from './bad-input.js'
import type { HfConfig } from './hf-config.js'

/** Positions a layer's tokens see, their own included; undefined = all before them. */
export type Window = number | undefined

/** Keys that layerWindows reads. */
export const windowKeys = ['layer_types', 'sliding_window', 'sliding_window_pattern'] as const

/**
 * The window of each layer: `layer_types` says which layers slide, or `isSliding` where that is absent.
 * @throws TrtllmError bad_checkpoint for an unknown layer type, contradictory_config where the list has another length
 * than the model or layers slide over no window.
 */
export function layerWindows(
  config: HfConfig,
  numLayers: number,
  window: Window,
  isSliding: (layer: number) => boolean,
): Window[] {
  const slides = config.has('layer_types')
    ? typesOf(config, numLayers).map((type) => type === 'sliding_attention')
    : Array.from({ length: numLayers }, (_, layer) => isSliding(layer))
  const first = slides.indexOf(true)
  if (first >= 0 && window === undefined) {
    throw contradictoryConfig(
      `${config.file}: layer ${first} slides, but ${config.name('sliding_window')} is ${config.show('sliding_window')} or switched off`,
    )
  }
  return slides.map((sliding) => (sliding ? window : undefined))
}

/** Every `pattern`-th layer is full, the others slide: for `sliding_window_pattern` as a number. */
export const slidesBut =
  (pattern: number) =>
  (layer: number): boolean =>
    (layer + 1) % pattern !== 0

/** A window, undefined where no text of at most `maxSeqLen` tokens outgrows it. */
export const bitingWindow = (window: Window, maxSeqLen: number): Window =>
  window !== undefined && window < maxSeqLen ? window : undefined

/** `sliding_window`, undefined where it is null. */
export function slidingWindow(config: HfConfig, fallback?: number): Window {
  if (config.values.sliding_window === null) return undefined
  if (fallback === undefined && !config.has('sliding_window')) return undefined
  return config.integer('sliding_window', { min: 1, ...(fallback !== undefined && { fallback }) })
}

function typesOf(config: HfConfig, numLayers: number): string[] {
  const types = config.strings('layer_types')
  if (types.length !== numLayers) {
    throw contradictoryConfig(
      `${config.file}: ${config.name('layer_types')} has ${types.length} entries, num_hidden_layers is ${numLayers}`,
    )
  }
  const unknown = types.find((type) => type !== 'full_attention' && type !== 'sliding_attention')
  if (unknown === undefined) return types
  throw badCheckpoint(
    `${config.file}: ${config.name('layer_types')} "${unknown}" is not supported; expected full_attention, sliding_attention`,
  )
}
