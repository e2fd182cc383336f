import { badCheckpoint, contradictoryConfig } from '../bad-input.js'
import type { HfConfig } from '../hf-config.js'
import { baseFrequencies } from './base-frequencies.js'
import { llama3Tables } from './llama3.js'
import { longRopeTables } from './longrope.js'
import { type Rope, type RopeKind, type RopeShape, type RopeTables, ropeKinds } from './rope.js'
import { yarnTables } from './yarn.js'

/** A parsed rope and the longest text it is made for, in tokens. */
export interface ParsedRope {
  readonly rope: Rope
  readonly maxSeqLen: number
}

/** What a family says about its rope, beyond what the config does. */
export interface RopeOptions {
  /** The section to read, or undefined for none, where it is not `rope_scaling` or `rope_parameters`. */
  readonly section?: HfConfig | undefined
  /** Base where no `rope_theta` is given. Default 10,000. */
  readonly base?: number
  /** Pairs are (2i, 2i + 1) instead of (i, i + rotaryDim / 2). */
  readonly interleaved?: boolean
  /** Other names that the family has for a kind. */
  readonly aliases?: Readonly<Record<string, RopeKind>>
  /** Kinds the family may have. Default: all. */
  readonly kinds?: readonly RopeKind[]
}

/**
 * Reads `rope_scaling` ({type | rope_type}) or the newer `rope_parameters`, with `rope_theta` and
 * `partial_rotary_factor` inside or beside it, by the rules of Transformers.
 * @throws TrtllmError contradictory_config when a kind lacks its keys or they exclude each other.
 */
export function parseRope(
  config: HfConfig,
  headDim: number,
  maxPositions: number,
  options: RopeOptions = {},
): ParsedRope {
  const section = 'section' in options ? options.section : onlySection(config)
  const kind = ropeKind(section, options)
  const fallback = options.base ?? 10_000
  const base = (section?.has('rope_theta') ? section : config).number('rope_theta', { fallback })
  if (base <= 1) throw contradictoryConfig(`${config.file}: rope_theta must be greater than 1, found ${base}`)
  const shape: RopeShape = { rotaryDim: rotaryDim(config, section, headDim), base }
  const common = { kind, rotaryDim: shape.rotaryDim, interleaved: options.interleaved ?? false, base }
  if (kind === 'default' || !section) {
    return { rope: { ...common, ...plain(shape) }, maxSeqLen: maxPositions }
  }

  const given = new RopeKeys(config, section, kind, maxPositions)
  switch (kind) {
    case 'linear': {
      const factor = given.factor()
      const table = baseFrequencies(shape).map((frequency) => frequency / factor)
      const rope = { ...common, inverseFrequencies: [table], attentionFactor: 1 }
      return { rope, maxSeqLen: Math.floor(maxPositions * factor) }
    }
    case 'dynamic': {
      if (shape.rotaryDim < 4) {
        throw contradictoryConfig(
          `${config.file}: dynamic rope needs a rotary dim above 2, found ${shape.rotaryDim}`,
        )
      }
      const dynamic = { factor: given.factor(), length: maxPositions }
      const maxSeqLen = Math.floor(maxPositions * dynamic.factor)
      return { rope: { ...common, ...plain(shape), dynamic }, maxSeqLen }
    }
    case 'llama3': {
      const tables = llama3Tables(shape, given.llama3())
      return { rope: { ...common, ...tables }, maxSeqLen: maxPositions }
    }
    case 'yarn': {
      const options = given.yarn()
      const maxSeqLen = Math.max(maxPositions, Math.floor(options.originalLength * options.factor))
      return { rope: { ...common, ...yarnTables(shape, options) }, maxSeqLen }
    }
    case 'longrope': {
      const options = given.longRope(shape.rotaryDim / 2)
      const longAbove = options.originalLength
      return { rope: { ...common, ...longRopeTables(shape, options), longAbove }, maxSeqLen: maxPositions }
    }
  }
}

const plain = (shape: RopeShape): RopeTables => ({
  inverseFrequencies: [baseFrequencies(shape)],
  attentionFactor: 1,
})

/** The one section of a model whose layers all rotate alike. */
function onlySection(config: HfConfig): HfConfig | undefined {
  const section = config.section('rope_scaling') ?? config.section('rope_parameters')
  const layerType = section?.keys().find((key) => key.endsWith('_attention'))
  if (layerType === undefined) return section
  throw badCheckpoint(
    `${config.file}: ${section!.name(layerType)}: rope by layer type is not supported for this class; expected one section`,
  )
}

function ropeKind(section: HfConfig | undefined, { aliases = {}, kinds = ropeKinds }: RopeOptions): RopeKind {
  if (!section) return 'default'
  const key = section.has('rope_type') ? 'rope_type' : 'type'
  const type = section.string(key, 'default')
  const kind = type === 'su' ? 'longrope' : (aliases[type] ?? type)
  if (!(kinds as readonly string[]).includes(kind)) {
    throw badCheckpoint(
      `${section.file}: ${section.name(key)} "${type}" is not supported; expected ${kinds.join(', ')}`,
    )
  }
  return kind as RopeKind
}

function rotaryDim(config: HfConfig, section: HfConfig | undefined, headDim: number): number {
  const holder = section?.has('partial_rotary_factor') ? section : config
  const part = holder.number('partial_rotary_factor', { fallback: 1, max: 1 })
  const dim = Math.floor(headDim * part)
  if (dim < 2 || dim % 2 !== 0) {
    throw contradictoryConfig(
      `${config.file}: ${holder.name('partial_rotary_factor')} ${part} of head_dim ${headDim} rotates ${dim} elements; expected an even number of at least 2`,
    )
  }
  return dim
}

/** Reads of the scaling section; a missing key is a contradiction of the kind it names. */
class RopeKeys {
  constructor(
    private readonly config: HfConfig,
    private readonly section: HfConfig,
    private readonly kind: RopeKind,
    private readonly maxPositions: number,
  ) {}

  factor(): number {
    return this.positive('factor', 1)
  }

  llama3() {
    const lowFreqFactor = this.positive('low_freq_factor')
    const highFreqFactor = this.positive('high_freq_factor')
    if (lowFreqFactor > highFreqFactor) {
      throw contradictoryConfig(
        `${this.section.file}: ${this.section.name('low_freq_factor')} ${lowFreqFactor} is greater than high_freq_factor ${highFreqFactor}`,
      )
    }
    return { factor: this.factor(), lowFreqFactor, highFreqFactor, originalLength: this.originalLength() }
  }

  yarn() {
    const { section } = this
    const betaFast = this.optional('beta_fast') || 32
    const betaSlow = this.optional('beta_slow') || 1
    if (betaFast < betaSlow) {
      throw contradictoryConfig(
        `${section.file}: ${section.name('beta_fast')} ${betaFast} is less than beta_slow ${betaSlow}`,
      )
    }
    return {
      factor: this.factorOrRatio(),
      originalLength: this.originalLength(),
      betaFast,
      betaSlow,
      truncate: section.boolean('truncate', true),
      attentionFactor: this.optional('attention_factor'),
      mscale: this.optional('mscale'),
      mscaleAllDim: this.optional('mscale_all_dim'),
    }
  }

  longRope(half: number) {
    this.needs('short_factor')
    this.needs('long_factor')
    return {
      shortFactor: this.section.numbers('short_factor', half),
      longFactor: this.section.numbers('long_factor', half),
      factor: this.factorOrRatio(),
      originalLength: this.originalLength(),
      attentionFactor: this.optional('attention_factor'),
    }
  }

  /** The length of pretraining: beside the section, inside it, or else all positions. */
  private originalLength(): number {
    const key = 'original_max_position_embeddings'
    const holder = this.config.has(key) ? this.config : this.section
    return holder.integer(key, { min: 1, fallback: this.maxPositions })
  }

  private factorOrRatio(): number {
    return this.section.has('factor') ? this.factor() : this.maxPositions / this.originalLength()
  }

  private optional(key: string): number | undefined {
    return this.section.has(key) ? this.section.number(key, { min: 0 }) : undefined
  }

  private positive(key: string, min?: number): number {
    this.needs(key)
    const value = this.section.number(key, min === undefined ? {} : { min })
    if (value > 0) return value
    throw contradictoryConfig(
      `${this.section.file}: ${this.section.name(key)} must be positive, found ${value}`,
    )
  }

  private needs(key: string): void {
    if (this.section.has(key)) return
    throw contradictoryConfig(
      `${this.section.file}: ${this.section.name(key)} is missing; rope type "${this.kind}" needs it`,
    )
  }
}
