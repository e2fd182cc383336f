import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { badCheckpoint } from '../bad-input.js'
import { HfConfig } from '../hf-config.js'
import { readSafetensorsHeader, type StoredTensor } from './safetensors-header.js'

export const singleFileName = 'model.safetensors'
export const indexFileName = 'model.safetensors.index.json'

/** Buffers old checkpoints carry that are computed here; they need no entry and no reader. */
export const isComputedBuffer = (name: string): boolean => name.endsWith('rotary_emb.inv_freq')

/** Names of the shards an index lists, in name order. @throws TrtllmError bad_checkpoint for a malformed index. */
export function shardNames(indexFile: string): string[] {
  return [...new Set(Object.values(readWeightMap(indexFile)))].sort()
}

/**
 * Reads the headers of all shards an index names and checks that both agree about every tensor.
 * @throws TrtllmError bad_checkpoint: missing shard, tensor absent, in another shard than listed, twice or unlisted.
 */
export function readShards(directory: string): StoredTensor[] {
  const indexFile = join(directory, indexFileName)
  const weightMap = readWeightMap(indexFile)
  const shards = [...new Set(Object.values(weightMap))].sort()
  const missing = shards.filter((shard) => !existsSync(join(directory, shard)))
  if (missing.length > 0) {
    throw badCheckpoint(
      `${indexFile}: ${missing.length} of ${shards.length} shards are missing: ${missing.join(', ')}; the download is incomplete`,
    )
  }

  const found = new Map<string, StoredTensor>()
  for (const shard of shards) {
    for (const tensor of readSafetensorsHeader(join(directory, shard))) {
      const twin = found.get(tensor.name)
      if (twin) throw badCheckpoint(`${tensor.file}: tensor ${tensor.name} is also in ${twin.file}`)
      found.set(tensor.name, tensor)
    }
  }
  for (const [name, shard] of Object.entries(weightMap)) {
    const tensor = found.get(name)
    if (!tensor)
      throw badCheckpoint(
        `${join(directory, shard)}: tensor ${name} is absent, though ${indexFileName} lists it`,
      )
    if (tensor.file !== join(directory, shard)) {
      throw badCheckpoint(`${tensor.file}: tensor ${name} is here, but ${indexFileName} says ${shard}`)
    }
  }
  for (const { name, file } of found.values()) {
    if (!(name in weightMap) && !isComputedBuffer(name)) {
      throw badCheckpoint(`${file}: tensor ${name} is not listed in ${indexFileName}`)
    }
  }
  return [...found.values()]
}

function readWeightMap(indexFile: string): Readonly<Record<string, string>> {
  const section = HfConfig.read(indexFile).section('weight_map')
  if (!section || section.keys().length === 0) {
    throw badCheckpoint(
      `${indexFile}: weight_map is missing or empty; expected tensor names mapped to shard files`,
    )
  }
  for (const [name, shard] of Object.entries(section.values)) {
    // A name from a download must not reach outside its directory.
    if (typeof shard !== 'string' || !/^[^/\\]+\.safetensors$/.test(shard)) {
      throw badCheckpoint(
        `${indexFile}: weight_map["${name}"] must be a .safetensors file name, found ${section.show(name)}`,
      )
    }
  }
  return section.values as Readonly<Record<string, string>>
}
