import type { CacheScales } from '@trtllm/graph'
import { dtypeBytes } from '@trtllm/kernels'
import { badCheckpoint } from '../bad-input.js'
import { floatValues } from './float-values.js'
import type { Checkpoint } from './open-checkpoint.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'

/** Names below an attention: ModelOpt's, then those of compressed-tensors. */
const names = {
  key: ['k_proj.k_scale', 'k_scale'],
  value: ['v_proj.v_scale', 'v_scale'],
} as const

/** Whether a tensor is the scale of a cache, which is no weight. */
export const isCacheScale = (name: string): boolean => /(^|\.)[kv]_scale$/.test(name)

/**
 * Reads the scales of f8 caches that a checkpoint brings, by the path of their attention; 1 where it brings none.
 * @throws TrtllmError bad_checkpoint for one that is not a single positive number.
 */
export function cacheScalesOf(checkpoint: Checkpoint): (path: string) => CacheScales {
  const scaleOf = (path: string, which: keyof typeof names): number => {
    const tensor = names[which].map((name) => checkpoint.tensors.get(`${path}.${name}`)).find(Boolean)
    return tensor ? numberOf(checkpoint, tensor) : 1
  }
  return (path) => ({ key: scaleOf(path, 'key'), value: scaleOf(path, 'value') })
}

function numberOf(checkpoint: Checkpoint, tensor: StoredTensor): number {
  const dtype = floatDTypeOf(tensor.dtype)
  const isSingle = tensor.shape.every((size) => size === 1)
  const bytes = dtype && isSingle && checkpoint.map(tensor.file).read(tensor.offset, dtypeBytes[dtype])
  const value = bytes ? floatValues(bytes, dtype)[0]! : Number.NaN
  if (value > 0 && Number.isFinite(value)) return value
  throw badCheckpoint(
    `${tensor.file}: tensor ${tensor.name}: expected one number above 0, found ${tensor.dtype} [${tensor.shape.join(', ')}]${bytes ? ` ${value}` : ''}`,
  )
}
