import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckpointTensor, TensorFill } from './checkpoint-tensors.js'

/** As large as shards of published checkpoints. */
const shardBytes = 5e9
const bf16Bytes = 2
const bf16One = 0x3f80
/** Spread of made-up weights: the `initializer_range` of the Llama family. */
const standardDeviation = 0.02

/** Called as writing goes on: bytes done and in all. */
export type WriteProgress = (done: number, total: number) => void

/**
 * Writes tensors in bf16 as safetensors shards with their index, as published checkpoints lie. Gaussian values repeat
 * after some millions: they are for speed and not for sense.
 */
export function writeShards(
  directory: string,
  tensors: readonly CheckpointTensor[],
  tell: WriteProgress = () => {},
): void {
  const shards = shardsOf(tensors)
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  const names = shards.map((_, i) => `model-${numbered(i + 1)}-of-${numbered(shards.length)}.safetensors`)
  let done = 0
  for (const [i, shard] of shards.entries()) {
    const file = openSync(join(directory, names[i]!), 'w')
    try {
      writeSync(file, headerOf(shard))
      for (const tensor of shard) {
        writeTensor(file, tensor)
        done += bytesOf(tensor)
        tell(done, total)
      }
    } finally {
      closeSync(file)
    }
  }
  const map = shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]!]))
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map) }
  writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify(index))
}

const numbered = (number: number): string => String(number).padStart(5, '0')
const elementsOf = ({ shape }: CheckpointTensor): number => shape.reduce((product, size) => product * size, 1)
const bytesOf = (tensor: CheckpointTensor): number => elementsOf(tensor) * bf16Bytes

function shardsOf(tensors: readonly CheckpointTensor[]): CheckpointTensor[][] {
  const shards: CheckpointTensor[][] = [[]]
  let held = 0
  for (const tensor of tensors) {
    if (held > 0 && held + bytesOf(tensor) > shardBytes) {
      shards.push([])
      held = 0
    }
    shards.at(-1)!.push(tensor)
    held += bytesOf(tensor)
  }
  return shards
}

/** Length and text, padded to whole 8 bytes. */
function headerOf(tensors: readonly CheckpointTensor[]): Buffer {
  let end = 0
  const entries = tensors.map((tensor) => {
    const begin = end
    end += bytesOf(tensor)
    return [tensor.name, { dtype: 'BF16', shape: tensor.shape, data_offsets: [begin, end] }]
  })
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) })
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, Buffer.from(padded)])
}

/** An odd number of elements: rows of a matrix do not repeat each other. */
const blockElements = 4_194_301

const blocks: Partial<Record<TensorFill, Uint8Array>> = {}

function writeTensor(file: number, tensor: CheckpointTensor): void {
  blocks[tensor.fill] ??= blockOf(tensor.fill)
  const block = blocks[tensor.fill]!
  for (let left = bytesOf(tensor); left > 0; left -= block.length)
    writeWhole(file, block.subarray(0, Math.min(left, block.length)))
}

/** A write may take less than it is given. */
function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

function blockOf(fill: TensorFill): Uint8Array {
  const values = new Uint16Array(blockElements)
  if (fill === 'ones') values.fill(bf16One)
  if (fill === 'gaussian') fillGaussian(values)
  return new Uint8Array(values.buffer)
}

/** Box and Muller's transform of xorshift32 numbers, the same each time. */
function fillGaussian(values: Uint16Array): void {
  const float = new Float32Array(1)
  const bits = new Uint32Array(float.buffer)
  let state = 0x9e3779b9
  const uniform = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 1) / 2 ** 32
  }
  for (let i = 0; i < values.length; i++) {
    float[0] = standardDeviation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    values[i] = bits[0]! >>> 16
  }
}
