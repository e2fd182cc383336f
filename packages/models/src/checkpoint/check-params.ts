import type { PlacedParam } from '@trtllm/graph'
import { badCheckpoint } from '../bad-input.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'
import { isComputedBuffer } from './shard-index.js'

/** The tensors of a checkpoint directory, as much as the check needs. */
interface TensorSet {
  readonly directory: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/**
 * Checks that a checkpoint has every tensor the params come from, in its shape and in a float dtype.
 * @returns names of tensors no param reads (buffers that are computed here are not counted).
 * @throws TrtllmError bad_checkpoint with file, tensor, expected and found.
 */
export function checkParams({ directory, tensors }: TensorSet, params: readonly PlacedParam[]): string[] {
  const used = new Set<string>()
  for (const param of params) {
    for (const { name, rows, columns } of param.sources) {
      used.add(name)
      const expected = param.kind === 'vector' && columns === 1 ? [rows] : [rows, columns]
      const tensor = tensors.get(name)
      if (!tensor) {
        throw badCheckpoint(
          `${directory}: tensor ${name} is missing; expected [${expected.join(', ')}]${similar(name, tensors)}`,
        )
      }
      if (tensor.shape.length !== expected.length || tensor.shape.some((size, i) => size !== expected[i])) {
        throw badCheckpoint(
          `${tensor.file}: tensor ${name}: expected shape [${expected.join(', ')}], found [${tensor.shape.join(', ')}]`,
        )
      }
      if (!floatDTypeOf(tensor.dtype)) {
        throw badCheckpoint(
          `${tensor.file}: tensor ${name}: expected dtype F32, F16 or BF16, found ${tensor.dtype}`,
        )
      }
    }
  }
  return [...tensors.keys()].filter((name) => !used.has(name) && !isComputedBuffer(name)).sort()
}

/** Points out a checkpoint whose names carry another prefix, the usual cause of a missing tensor. */
function similar(name: string, tensors: ReadonlyMap<string, StoredTensor>): string {
  const tail = name.replace(/^model\./, '')
  const other = [...tensors.keys()].find((key) => key !== name && key.endsWith(`.${tail}`))
  return other ? `; the checkpoint has ${other}` : ''
}
