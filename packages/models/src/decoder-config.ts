import { badCheckpoint, contradictoryConfig } from './bad-input.js'
import type { HfConfig } from './hf-config.js'
import type { Rope } from './rope/rope.js'

/** What the config of every family says to those who load a model. */
export interface DecoderConfig {
  readonly vocabSize: number
  readonly numLayers: number
  /** The rope whose tables depend on a request's length; families with several have it on their full layers. */
  readonly rope: Rope
  /** Longest text the model is made for, in tokens (rope scaling included). */
  readonly maxSeqLen: number
}

/** Sizes of a decoder with a gated MLP. */
export interface DecoderSizes {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
}

/** Keys that parseSizes reads, and those that every family may have beside them. */
export const sizeKeys = [
  'head_dim',
  'hidden_size',
  'intermediate_size',
  'max_position_embeddings',
  'num_attention_heads',
  'num_hidden_layers',
  'num_key_value_heads',
  'rope_parameters',
  'rope_scaling',
  'rope_theta',
  'tie_word_embeddings',
  'vocab_size',
] as const

/**
 * Reads the sizes. A key without a default is required, but for head_dim (hidden_size / num_attention_heads) and
 * num_key_value_heads (as many as there are heads, also where it is null).
 */
export function parseSizes(config: HfConfig, defaults: Partial<DecoderSizes> = {}): DecoderSizes {
  const size = (key: string, fallback?: number): number =>
    config.integer(key, { min: 1, ...(fallback !== undefined && { fallback }) })
  const hiddenSize = size('hidden_size', defaults.hiddenSize)
  const numHeads = size('num_attention_heads', defaults.numHeads)
  const numKvHeads = kvHeads(config, defaults.numKvHeads, numHeads)
  return {
    vocabSize: size('vocab_size', defaults.vocabSize),
    hiddenSize,
    intermediateSize: size('intermediate_size', defaults.intermediateSize),
    numLayers: size('num_hidden_layers', defaults.numLayers),
    numHeads,
    numKvHeads,
    headDim: headSize(config, hiddenSize, numHeads, defaults.headDim),
  }
}

function kvHeads(config: HfConfig, fallback: number | undefined, numHeads: number): number {
  const isAbsent = config.values.num_key_value_heads === undefined
  const numKvHeads = config.integer('num_key_value_heads', {
    min: 1,
    fallback: (isAbsent ? fallback : undefined) ?? numHeads,
  })
  if (numHeads % numKvHeads === 0) return numKvHeads
  throw contradictoryConfig(
    `${config.file}: ${config.name('num_attention_heads')} ${numHeads} is not a multiple of num_key_value_heads ${numKvHeads}`,
  )
}

function headSize(config: HfConfig, hiddenSize: number, numHeads: number, fallback?: number): number {
  if (!config.has('head_dim') && fallback === undefined && hiddenSize % numHeads !== 0) {
    throw contradictoryConfig(
      `${config.file}: ${config.name('hidden_size')} ${hiddenSize} is not a multiple of num_attention_heads ${numHeads}, and head_dim is not given`,
    )
  }
  const headDim = config.integer('head_dim', { min: 2, fallback: fallback ?? hiddenSize / numHeads })
  if (headDim % 2 === 0) return headDim
  throw contradictoryConfig(
    `${config.file}: ${config.name('head_dim')} must be even for rotary embedding, found ${headDim}`,
  )
}

/** Refuses an activation other than silu. */
export function requireSilu(config: HfConfig): void {
  requireActivation(config, 'hidden_act', ['silu', 'swish'])
}

/** Refuses an activation that is not in the list; its first one is the default. */
export function requireActivation(
  config: HfConfig,
  key: string,
  supported: readonly [string, ...string[]],
): void {
  const activation = config.string(key, supported[0])
  if (supported.includes(activation)) return
  throw badCheckpoint(
    `${config.file}: ${config.name(key)} "${activation}" is not supported; expected "${supported[0]}"`,
  )
}

/** Refuses a switch of a family that is not what this project computes; an absent one has that value. */
export function requireSwitch(config: HfConfig, key: string, expected: boolean): void {
  if (config.boolean(key, expected) === expected) return
  throw badCheckpoint(
    `${config.file}: ${config.name(key)} ${String(!expected)} is not supported; expected ${String(expected)}`,
  )
}

/** The first class that `architectures` names. */
export function architectureOf(config: HfConfig): string | undefined {
  const list = config.values.architectures
  return Array.isArray(list) && typeof list[0] === 'string' ? list[0] : undefined
}
