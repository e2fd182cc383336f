import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { badCheckpoint } from './bad-input.js'
import { HfConfig } from './hf-config.js'

/** How a checkpoint keeps the weights of its linears: f8 numbers, and scales in tensors beside them. */
export interface StoredWeights {
  /** As messages call it: `modelopt FP8`. */
  readonly method: string
  /** Rows and columns of a weight that share a scale; absent: each row has one, or the whole weight. */
  readonly block?: readonly [rows: number, columns: number]
  /** Name of the tensor of a weight's scales. */
  readonly scaleName: (weight: string) => string
  /** Whether a tensor is kept so. */
  readonly isStored: (tensorName: string) => boolean
  /** The checkpoint was made for a KV cache of 8-bit floats. */
  readonly kvCacheIsF8: boolean
}

const blockSize = 128

/**
 * Reads `quantization_config` of a config.json or the hf_quant_config.json beside it.
 * @returns undefined for plain floats.
 * @throws TrtllmError bad_checkpoint for a format that cannot be read.
 */
export function parseStoredWeights(config: HfConfig, directory: string): StoredWeights | undefined {
  const section = config.section('quantization_config')
  const file = join(directory, 'hf_quant_config.json')
  if (!section) return existsSync(file) ? parseModelOpt(ofModelOptFile(file)) : undefined
  const parse = methods[section.string('quant_method', 'of unknown method')]
  if (parse) return parse(section)
  throw unsupported(section, `quant_method ${section.show('quant_method')}`)
}

const methods: Readonly<Record<string, (section: HfConfig) => StoredWeights>> = {
  modelopt: parseModelOpt,
  fp8: parseFp8,
  fbgemm_fp8: (section) => f8Weights(section, 'fbgemm_fp8', { plain: plainModules(section) }),
  'compressed-tensors': parseCompressedTensors,
}

const unsupported = (section: HfConfig, what: string): Error =>
  badCheckpoint(
    `${section.file}: weights stored with ${what} are not supported; expected plain f32, f16 or bf16, or fp8 of ` +
      'modelopt (FP8), compressed-tensors (float-quantized), fbgemm_fp8 or fp8 (128 x 128 blocks or a scale for each tensor)',
  )

function ofModelOptFile(file: string): HfConfig {
  const section = HfConfig.read(file).section('quantization')
  if (section) return section
  throw badCheckpoint(`${file}: quantization is missing; expected an object with quant_algo`)
}

/** Both of ModelOpt's spellings: hf_quant_config.json's and, in later versions, config.json's own. */
function parseModelOpt(section: HfConfig): StoredWeights {
  const algorithm = section.string('quant_algo', 'unknown')
  if (algorithm !== 'FP8' && algorithm !== 'FP8_PER_CHANNEL_PER_TOKEN') {
    throw unsupported(section, `modelopt's quant_algo ${section.show('quant_algo')}`)
  }
  const cache = section.section('kv_cache_scheme')
  const kvCacheIsF8 = cache ? isF8(cache) : section.string('kv_cache_quant_algo', 'none') === 'FP8'
  return f8Weights(section, `modelopt ${algorithm}`, { plain: plainModules(section), kvCacheIsF8 })
}

/** `fp8` is two formats: fine-grained blocks with `weight_scale_inv`, and one scale for a tensor. */
function parseFp8(section: HfConfig): StoredWeights {
  const plain = plainModules(section)
  if (!section.has('weight_block_size')) return f8Weights(section, 'fp8', { plain })
  requireBlock(section, section.numbers('weight_block_size', 2))
  return f8Weights(section, 'fp8', { plain, block: [blockSize, blockSize], scale: '_scale_inv' })
}

function parseCompressedTensors(section: HfConfig): StoredWeights {
  const groups = section.section('config_groups')
  const group = groups?.section(groups.keys()[0] ?? '')
  const weights = group?.section('weights')
  const format = section.string('format', 'of unknown format')
  if (!groups || !group || !weights || groups.keys().length !== 1 || !isF8(weights)) {
    throw unsupported(section, `compressed-tensors format ${format}`)
  }
  const method = `compressed-tensors ${format}`
  const scheme = section.section('kv_cache_scheme')
  const rest = { plain: plainModules(section), kvCacheIsF8: scheme !== undefined && isF8(scheme) }
  const strategy = weights.string('strategy', 'tensor')
  if (strategy === 'tensor' || strategy === 'channel') return f8Weights(section, method, rest)
  if (strategy !== 'block') throw unsupported(section, `compressed-tensors strategy ${strategy}`)
  requireBlock(section, weights.numbers('block_structure', 2))
  return f8Weights(section, method, { ...rest, block: [blockSize, blockSize] })
}

const isF8 = (scheme: HfConfig): boolean =>
  scheme.string('type', 'int') === 'float' && scheme.integer('num_bits', { fallback: 0 }) === 8

function requireBlock(section: HfConfig, [rows, columns]: readonly number[]): void {
  if (rows === blockSize && columns === blockSize) return
  throw unsupported(section, `scales for blocks of ${rows} x ${columns}`)
}

/** Modules that keep plain floats, as each method calls the list. */
function plainModules(section: HfConfig): string[] {
  const key = ['ignore', 'exclude_modules', 'modules_to_not_convert', 'ignored_layers'].find((name) =>
    section.has(name),
  )
  return key === undefined ? [] : section.strings(key)
}

interface F8Options {
  readonly plain: readonly string[]
  readonly block?: readonly [number, number]
  readonly scale?: string
  readonly kvCacheIsF8?: boolean
}

function f8Weights(section: HfConfig, method: string, options: F8Options): StoredWeights {
  const { plain, block, scale = '_scale', kvCacheIsF8 = false } = options
  const isPlain = plain.map((pattern) => matcherOf(section, pattern))
  return {
    method,
    ...(block && { block }),
    scaleName: (weight) => `${weight}${scale}`,
    isStored: (name) => {
      const module = name.replace(/\.weight$/, '')
      const keepsFloats = /(^|\.)(lm_head|embed_tokens|[a-z_]*norm)$/.test(module)
      return module !== name && !keepsFloats && !isPlain.some((matches) => matches(module))
    },
    kvCacheIsF8,
  }
}

/** A name (of a module or one around it), a name with `*`, or `re:` and an expression. */
function matcherOf(section: HfConfig, pattern: string): (module: string) => boolean {
  if (!pattern.startsWith('re:') && !pattern.includes('*')) {
    return (module) =>
      module === pattern || module.startsWith(`${pattern}.`) || module.endsWith(`.${pattern}`)
  }
  const escaped = (part: string): string => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  const source = pattern.startsWith('re:')
    ? `^(?:${pattern.slice(3)})`
    : `^${pattern.split('*').map(escaped).join('.*')}$`
  try {
    const expression = new RegExp(source)
    return (module) => expression.test(module)
  } catch {
    throw badCheckpoint(
      `${section.file}: the list of plain modules has ${JSON.stringify(pattern)}, no valid expression`,
    )
  }
}
