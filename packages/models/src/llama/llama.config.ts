import { badCheckpoint, contradictoryConfig } from '../bad-input.js'
import type { HfConfig } from '../hf-config.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'

/** Sizes and switches of a Llama-style decoder. */
export interface LlamaConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly normEps: number
  readonly attentionBias: boolean
  readonly mlpBias: boolean
  readonly tieWordEmbeddings: boolean
  /** Positions a token sees, its own included; undefined = all before it. */
  readonly slidingWindow: number | undefined
  readonly rope: Rope
  /** Longest text the model is made for, in tokens (rope scaling included). */
  readonly maxSeqLen: number
}

/** Keys of config.json that this family reads or may ignore; others are named when a class is unknown. */
export const llamaKeys = [
  'attention_bias',
  'head_dim',
  'hidden_act',
  'hidden_size',
  'intermediate_size',
  'max_position_embeddings',
  'mlp_bias',
  'num_attention_heads',
  'num_hidden_layers',
  'num_key_value_heads',
  'original_max_position_embeddings',
  'partial_rotary_factor',
  'pretraining_tp',
  'rms_norm_eps',
  'rope_parameters',
  'rope_scaling',
  'rope_theta',
  'sliding_window',
  'tie_word_embeddings',
  'use_sliding_window',
  'vocab_size',
] as const

/**
 * Reads the config of LlamaForCausalLM or MistralForCausalLM with the defaults Transformers has for each.
 * @throws TrtllmError bad_checkpoint for a missing key or one of a wrong type, contradictory_config for keys that
 * cannot all be true.
 */
export function parseLlamaConfig(config: HfConfig): LlamaConfig {
  const isMistral = architectureOf(config) === 'MistralForCausalLM'
  const hiddenSize = config.integer('hidden_size', { min: 1 })
  const numHeads = config.integer('num_attention_heads', { min: 1 })
  const numKvHeads = kvHeads(config, isMistral, numHeads)
  const headDim = headSize(config, hiddenSize, numHeads)
  refuseOtherActivations(config)

  const maxPositions = config.integer('max_position_embeddings', {
    min: 1,
    fallback: isMistral ? 131_072 : 2048,
  })
  return {
    vocabSize: config.integer('vocab_size', { min: 1 }),
    hiddenSize,
    intermediateSize: config.integer('intermediate_size', { min: 1 }),
    numLayers: config.integer('num_hidden_layers', { min: 1 }),
    numHeads,
    numKvHeads,
    headDim,
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    attentionBias: !isMistral && config.boolean('attention_bias', false),
    mlpBias: !isMistral && config.boolean('mlp_bias', false),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    slidingWindow: isMistral ? slidingWindow(config) : undefined,
    ...parseRope(config, headDim, maxPositions),
  }
}

function architectureOf(config: HfConfig): string | undefined {
  const list = config.values.architectures
  return Array.isArray(list) ? (list[0] as string) : undefined
}

/** Mistral's class default is 8 heads where the key is absent, and all of them where it is null. */
function kvHeads(config: HfConfig, isMistral: boolean, numHeads: number): number {
  const isAbsent = config.values.num_key_value_heads === undefined
  const fallback = isMistral && isAbsent ? 8 : numHeads
  const numKvHeads = config.integer('num_key_value_heads', { min: 1, fallback })
  if (numHeads % numKvHeads === 0) return numKvHeads
  throw contradictoryConfig(
    `${config.file}: num_attention_heads ${numHeads} is not a multiple of num_key_value_heads ${numKvHeads}`,
  )
}

function headSize(config: HfConfig, hiddenSize: number, numHeads: number): number {
  if (!config.has('head_dim') && hiddenSize % numHeads !== 0) {
    throw contradictoryConfig(
      `${config.file}: hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${numHeads}, and head_dim is not given`,
    )
  }
  const headDim = config.integer('head_dim', { min: 2, fallback: hiddenSize / numHeads })
  if (headDim % 2 === 0) return headDim
  throw contradictoryConfig(`${config.file}: head_dim must be even for rotary embedding, found ${headDim}`)
}

/** Absent = the class default 4096, null = none; `use_sliding_window: false` switches a given window off. */
function slidingWindow(config: HfConfig): number | undefined {
  if (!config.boolean('use_sliding_window', true) || config.values.sliding_window === null) return undefined
  return config.integer('sliding_window', { min: 1, fallback: 4096 })
}

function refuseOtherActivations(config: HfConfig): void {
  const activation = config.string('hidden_act', 'silu')
  if (activation === 'silu' || activation === 'swish') return
  throw badCheckpoint(`${config.file}: hidden_act "${activation}" is not supported; expected "silu"`)
}
