import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HfConfig } from '../hf-config.js'
import { parseLlamaConfig } from '../llama/llama.config.js'
import type { JsonObject } from '../strict-json.js'
import { llamaTensorShapes } from './llama-tensor-shapes.js'
import {
  type HeaderEntry,
  layOut,
  type TensorToWrite,
  writeRaw,
  writeSafetensors,
} from './write-safetensors.js'

/** Config of the smallest Llama that is worth damaging. */
export const tinyConfig: JsonObject = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 16,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  eos_token_id: 1,
}

/** Its tensors, bf16 zeros. */
export function tinyTensors(): Record<string, TensorToWrite> {
  const shapes = llamaTensorShapes(parseLlamaConfig(new HfConfig('config.json', tinyConfig)))
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'BF16', shape } as TensorToWrite]),
  )
}

/** A model directory under construction, to be damaged in one place. */
export class TinyCheckpoint implements Disposable {
  readonly directory: string
  readonly single: string

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'tiny-'))
    this.single = this.path('model.safetensors')
    this.json('config.json', tinyConfig)
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  json(name: string, value: unknown): this {
    writeFileSync(this.path(name), typeof value === 'string' ? value : JSON.stringify(value))
    return this
  }

  /** config.json with other keys; a key set to undefined is left out. */
  config(changes: Readonly<Record<string, unknown>>): this {
    return this.json('config.json', { ...tinyConfig, ...changes })
  }

  /** The one file, its tensors changed before it is written. */
  weights(change: (tensors: Record<string, TensorToWrite>) => void = () => undefined): this {
    const tensors = tinyTensors()
    change(tensors)
    writeSafetensors(this.single, tensors)
    return this
  }

  /** The one file, its header or data changed after both were laid out. */
  rawWeights(change: (header: Record<string, HeaderEntry>, data: Uint8Array) => RawParts): this {
    const { header, data } = layOut(tinyTensors())
    const changed = change(header, data)
    writeRaw(this.single, changed.header ?? JSON.stringify(header), changed.data ?? data)
    return this
  }

  /** Two shards and an index, changed before they are written. */
  shards(change: (shards: Shards) => void = () => undefined): this {
    const names = Object.keys(tinyTensors())
    const files = { 'a.safetensors': names.slice(0, 5), 'b.safetensors': names.slice(5) }
    const shards: Shards = { files: {}, weightMap: {} }
    for (const [file, list] of Object.entries(files)) {
      shards.files[file] = Object.fromEntries(list.map((name) => [name, tinyTensors()[name]!]))
      for (const name of list) shards.weightMap[name] = file
    }
    change(shards)
    for (const [file, tensors] of Object.entries(shards.files)) writeSafetensors(this.path(file), tensors)
    return this.json('model.safetensors.index.json', { metadata: {}, weight_map: shards.weightMap })
  }
}

/** Contents of a sharded checkpoint. */
export interface Shards {
  files: Record<string, Record<string, TensorToWrite>>
  weightMap: Record<string, unknown>
}

/** What replaces the header text or the data as they were laid out. */
export interface RawParts {
  readonly header?: string
  readonly data?: Uint8Array
}

/** Builds a model directory with one fault. */
export type Damage = (checkpoint: TinyCheckpoint) => unknown
