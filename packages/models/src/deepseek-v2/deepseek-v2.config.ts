import { badCheckpoint, contradictoryConfig } from '../bad-input.js'
import type { LatentAttentionSizes } from '../blocks/latent-self-attention.js'
import { type DecoderSizes, parseSizes, requireSilu, sizeKeys } from '../decoder-config.js'
import { type ExpertSizes, parseExperts } from '../expert-config.js'
import type { HfConfig } from '../hf-config.js'
import { parseRope } from '../rope/parse-rope.js'
import type { Rope } from '../rope/rope.js'
import { concentration } from '../rope/yarn.js'

/** What DeepSeek's decoders share: latent attention, and experts in all layers but the first. */
export interface LatentDecoderConfig extends DecoderSizes, LatentAttentionSizes, ExpertSizes {
  readonly normEps: number
  readonly mlpBias: boolean
  readonly tieWordEmbeddings: boolean
  readonly rope: Rope
  readonly maxSeqLen: number
  /** One for each layer: whether its MLP is one of experts. */
  readonly hasExperts: readonly boolean[]
  readonly numSharedExperts: number
  /** Factor of the weights of experts. */
  readonly routedFactor: number
  /** Groups that experts are chosen from first; undefined: from all. */
  readonly groups: { readonly count: number; readonly chosen: number } | undefined
}

/** Sizes and switches of DeepSeek-V2 and V2-Lite. */
export type DeepseekV2Config = LatentDecoderConfig

export const latentDecoderKeys = [
  ...sizeKeys,
  'attention_bias',
  'first_k_dense_replace',
  'hidden_act',
  'kv_lora_rank',
  'moe_intermediate_size',
  'moe_layer_freq',
  'n_group',
  'n_routed_experts',
  'n_shared_experts',
  'norm_topk_prob',
  'num_experts_per_tok',
  'q_lora_rank',
  'qk_nope_head_dim',
  'qk_rope_head_dim',
  'rms_norm_eps',
  'routed_scaling_factor',
  'scoring_func',
  'topk_group',
  'topk_method',
  'v_head_dim',
] as const

export const deepseekV2Keys = [...latentDecoderKeys, 'mlp_bias'] as const

/** Reads the config of DeepseekV2ForCausalLM with the defaults of Transformers, which has no use for norm_topk_prob. */
export function parseDeepseekV2Config(config: HfConfig): DeepseekV2Config {
  requireOneOf(config, 'scoring_func', ['softmax'])
  const method = requireOneOf(config, 'topk_method', ['greedy', 'group_limited_greedy'])
  const decoder = parseLatentDecoder(config, { firstDense: 0, shared: 2, factor: 1 })
  return {
    ...decoder,
    mlpBias: config.boolean('mlp_bias', false),
    groups: method === 'greedy' ? undefined : expertGroups(config, decoder.numExperts),
  }
}

/** What a class has where its config says nothing. */
interface LatentDefaults {
  /** Layers before the first with experts. */
  readonly firstDense: number
  readonly shared: number
  readonly factor: number
}

/** Reads what the classes share. */
export function parseLatentDecoder(
  config: HfConfig,
  defaults: LatentDefaults,
): Omit<LatentDecoderConfig, 'groups' | 'mlpBias'> {
  const size = (key: string, fallback?: number): number =>
    config.integer(key, { min: 1, ...(fallback !== undefined && { fallback }) })
  const ropeDim = size('qk_rope_head_dim', 64)
  const nopeDim = size('qk_nope_head_dim', 128)
  const sizes = parseSizes(config.with({ ...config.values, head_dim: ropeDim }))
  requireSilu(config)
  refuseSharedKeys(config, sizes)
  const parsed = parseRope(config, ropeDim, size('max_position_embeddings', 2048), {
    interleaved: config.boolean('rope_interleave', true),
  })
  const experts = { count: 'n_routed_experts', chosen: 'num_experts_per_tok', size: 'moe_intermediate_size' }
  return {
    ...sizes,
    ...parseExperts(config, experts),
    ...parsed,
    qLoraRank: qLoraRank(config),
    kvLoraRank: size('kv_lora_rank', 512),
    nopeDim,
    ropeDim,
    valueDim: size('v_head_dim', 128),
    scale: (nopeDim + ropeDim) ** -0.5 * scoreFactor(config, parsed.rope),
    attentionBias: config.boolean('attention_bias', false),
    normEps: config.number('rms_norm_eps', { min: 0, fallback: 1e-6 }),
    tieWordEmbeddings: config.boolean('tie_word_embeddings', false),
    hasExperts: expertLayers(config, sizes.numLayers, defaults.firstDense),
    numSharedExperts: size('n_shared_experts', defaults.shared),
    routedFactor: config.number('routed_scaling_factor', { fallback: defaults.factor }),
  }
}

/** The groups of equal size that experts are chosen from first; undefined where there is one, or all are taken. */
export function expertGroups(
  config: HfConfig,
  numExperts: number,
  defaults: { readonly count?: number; readonly chosen?: number } = {},
): { readonly count: number; readonly chosen: number } | undefined {
  const count = config.integer('n_group', {
    ...{ min: 1, max: numExperts },
    ...(defaults.count !== undefined && { fallback: defaults.count }),
  })
  const chosen = config.integer('topk_group', {
    ...{ min: 1, max: count },
    ...(defaults.chosen !== undefined && { fallback: defaults.chosen }),
  })
  if (numExperts % count === 0) return chosen === count ? undefined : { count, chosen }
  throw contradictoryConfig(
    `${config.file}: ${config.name('n_routed_experts')} ${numExperts} is not a multiple of n_group ${count}`,
  )
}

/** A word of the config that only some values of are computed here; the first is the default. */
export function requireOneOf<Word extends string>(
  config: HfConfig,
  key: string,
  supported: readonly [Word, ...Word[]],
): Word {
  const word = config.string(key, supported[0])
  if ((supported as readonly string[]).includes(word)) return word as Word
  throw badCheckpoint(
    `${config.file}: ${config.name(key)} "${word}" is not supported; expected ${supported.map((name) => `"${name}"`).join(' or ')}`,
  )
}

/** Absent it is 1536, null it is none. */
function qLoraRank(config: HfConfig): number | undefined {
  if (config.values.q_lora_rank === null) return undefined
  return config.integer('q_lora_rank', { min: 1, fallback: 1536 })
}

/** YaRN lets scores grow with the square of what a longer text needs, where the config gives mscale_all_dim. */
function scoreFactor(config: HfConfig, { kind }: Rope): number {
  const section = config.section('rope_scaling') ?? config.section('rope_parameters')
  if (kind === 'default' || !section?.has('mscale_all_dim')) return 1
  const mscale = section.number('mscale_all_dim', { min: 0 })
  return mscale === 0 ? 1 : concentration(section.number('factor'), mscale) ** 2
}

/** Layers from first_k_dense_replace on, of these every moe_layer_freq-th of all. */
function expertLayers(config: HfConfig, numLayers: number, fallback: number): boolean[] {
  const first = config.integer('first_k_dense_replace', { min: 0, fallback })
  const every = config.integer('moe_layer_freq', { min: 1, fallback: 1 })
  return Array.from({ length: numLayers }, (_, layer) => layer >= first && layer % every === 0)
}

/** Every head has its own key and value of the latent. */
function refuseSharedKeys(config: HfConfig, { numHeads, numKvHeads }: DecoderSizes): void {
  if (numKvHeads === numHeads) return
  throw contradictoryConfig(
    `${config.file}: ${config.name('num_key_value_heads')} must be num_attention_heads ${numHeads} with latent attention, found ${numKvHeads}`,
  )
}
