import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MappedFile } from '@trtllm/kernels/file'
import { badCheckpoint } from '../bad-input.js'
import { type ModelConfig, parseModelConfig } from '../model-config.js'
import { readSafetensorsHeader, type StoredTensor } from './safetensors-header.js'
import { indexFileName, readShards, singleFileName } from './shard-index.js'

/**
 * A checkpoint directory: its parsed config and where each tensor lies. Files are mapped when first read and
 * unmapped by `close`.
 */
export class Checkpoint implements Disposable {
  private readonly open = new Map<string, MappedFile>()

  constructor(
    readonly directory: string,
    readonly model: ModelConfig,
    readonly tensors: ReadonlyMap<string, StoredTensor>,
  ) {}

  /** The mapping of a file of this checkpoint; it stays this object's. */
  map(file: string): MappedFile {
    const known = this.open.get(file)
    if (known) return known
    const mapped = MappedFile.open(file)
    this.open.set(file, mapped)
    return mapped
  }

  /** Unmaps a file early, so that a load holds one shard at a time. */
  unmap(file: string): void {
    this.open.get(file)?.[Symbol.dispose]()
    this.open.delete(file)
  }

  close(): void {
    for (const file of [...this.open.keys()]) this.unmap(file)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Opens a Hugging Face model directory: config.json, generation_config.json and model.safetensors or the shards
 * that model.safetensors.index.json names. Only headers are read.
 * @throws TrtllmError bad_checkpoint, unknown_architecture or contradictory_config.
 */
export async function openCheckpoint(directory: string): Promise<Checkpoint> {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw badCheckpoint(`${directory}: not a directory; expected a model directory with config.json`)
  }
  const model = await parseModelConfig(directory)
  const tensors = new Map(readTensors(directory).map((tensor) => [tensor.name, tensor]))
  return new Checkpoint(directory, withTensors(model, tensors), tensors)
}

/** What is stored in f8 is known now; the config only lists exceptions, and not always all of them. */
function withTensors(model: ModelConfig, tensors: ReadonlyMap<string, StoredTensor>): ModelConfig {
  if (!model.storedWeights) return model
  const isStored = (name: string): boolean => tensors.get(name)?.dtype === 'F8_E4M3'
  return { ...model, storedWeights: { ...model.storedWeights, isStored } }
}

function readTensors(directory: string): StoredTensor[] {
  const single = join(directory, singleFileName)
  if (existsSync(single)) return readSafetensorsHeader(single)
  if (existsSync(join(directory, indexFileName))) return readShards(directory)
  throw badCheckpoint(
    `${directory}: no ${singleFileName} and no ${indexFileName}${hint(readdirSync(directory))}`,
  )
}

function hint(names: readonly string[]): string {
  const others = names.filter((name) => name.endsWith('.safetensors')).sort()
  if (others.length > 0) return `; found ${others.slice(0, 4).join(', ')} without an index`
  const pickles = names.filter((name) => /\.(bin|pth|pt)$/.test(name)).sort()
  if (pickles.length > 0) return `; ${pickles[0]} is a pickle file: convert the checkpoint to safetensors`
  return '; the download is incomplete'
}
