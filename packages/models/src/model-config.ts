import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { FloatDType } from '@trtllm/kernels'
import { badCheckpoint, contradictoryConfig } from './bad-input.js'
import type { DecoderConfig } from './decoder-config.js'
import { HfConfig } from './hf-config.js'
import { type AnyModelDefinition, familyOf } from './registry.js'
import { parseStoredWeights, type StoredWeights } from './stored-weights.js'

/** What a model directory says about a model, weights aside. */
export interface ModelConfig {
  /** Name of the directory, or the id of a model from the hub. */
  readonly name: string
  readonly architecture: string
  readonly definition: AnyModelDefinition
  readonly config: DecoderConfig
  /** Ids that end a text: those of generation_config.json, or else of config.json, or else of the text config in it. */
  readonly eosIds: readonly number[]
  readonly bosId: number | undefined
  /** The dtype of the checkpoint as its config states it. */
  readonly dtype: FloatDType | undefined
  /** How weights are kept where they are no plain floats. */
  readonly storedWeights: StoredWeights | undefined
  /** Values of generation_config.json (empty where there is none). */
  readonly generation: HfConfig
}

const dtypeNames: Readonly<Record<string, FloatDType>> = { float32: 'f32', float16: 'f16', bfloat16: 'bf16' }

/**
 * Parses config.json and generation_config.json of a directory, or one config.json given by its path.
 * @throws TrtllmError bad_checkpoint, unknown_architecture or contradictory_config, naming file and key.
 */
export async function parseModelConfig(path: string): Promise<ModelConfig> {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  if (isFile && !path.endsWith('.json'))
    throw badCheckpoint(`${path}: is a file; expected a model directory with config.json`)
  const directory = isFile ? dirname(path) : path
  const config = HfConfig.read(isFile ? path : join(path, 'config.json'))
  const architecture = architectureOf(config)
  const family = familyOf(architecture, config)
  const storedWeights = parseStoredWeights(config, directory)

  const generationFile = join(directory, 'generation_config.json')
  const generation = existsSync(generationFile)
    ? HfConfig.read(generationFile)
    : new HfConfig(generationFile, Object.create(null))
  const definition = await family.load()
  const parsed = definition.config(config)
  return {
    name: modelName(directory),
    architecture,
    definition,
    config: parsed,
    eosIds: endIds(generation, config, parsed.vocabSize),
    bosId: config.tokenIds('bos_token_id')[0],
    dtype: statedDType(config),
    storedWeights,
    generation,
  }
}

/** A snapshot of the hub's cache lies in models--org--name/snapshots/commit. */
function modelName(directory: string): string {
  const cached = /models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(resolve(directory))?.[1]
  return cached?.replaceAll('--', '/') ?? basename(resolve(directory))
}

function architectureOf(config: HfConfig): string {
  const list = config.values.architectures
  const first = Array.isArray(list) ? list[0] : undefined
  if (typeof first === 'string') return first
  throw badCheckpoint(
    `${config.file}: architectures must be a list with a class name such as "LlamaForCausalLM", found ${config.show('architectures')}`,
  )
}

function endIds(generation: HfConfig, config: HfConfig, vocabSize: number): number[] {
  const holders = [generation, config, config.section('text_config')]
  const source = holders.find((holder) => holder?.has('eos_token_id')) ?? config
  const ids = source.tokenIds('eos_token_id')
  const outside = ids.find((id) => id >= vocabSize)
  if (outside === undefined) return [...new Set(ids)]
  throw contradictoryConfig(
    `${source.file}: eos_token_id ${outside} is outside the vocabulary of ${vocabSize}`,
  )
}

function statedDType(config: HfConfig): FloatDType | undefined {
  const key = config.has('dtype') ? 'dtype' : 'torch_dtype'
  return config.has(key) ? dtypeNames[config.string(key).replace(/^torch\./, '')] : undefined
}
