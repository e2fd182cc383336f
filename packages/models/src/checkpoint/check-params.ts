import type { ParamSource, PlacedParam } from '@trtllm/graph'
import { badCheckpoint } from '../bad-input.js'
import type { StoredWeights } from '../stored-weights.js'
import { isCacheScale } from './cache-scales.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'
import { isComputedBuffer } from './shard-index.js'
import { scaleTensorOf } from './stored-scales.js'

/** The tensors of a checkpoint directory, as much as the check needs. */
interface TensorSet {
  readonly directory: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly model: { readonly storedWeights: StoredWeights | undefined }
}

/** Scales of activations: they are chosen here, for each row. */
const isUnusedScale = (name: string): boolean => /\.(input|output|q)_scale$/.test(name)

/**
 * Checks that a checkpoint has every tensor the params come from, in its shape and in a float dtype or, with scales beside
 * it, in f8.
 * @returns names of tensors no param reads (buffers that are computed here and scales of caches are not counted).
 * @throws TrtllmError bad_checkpoint with file, tensor, expected and found.
 */
export function checkParams(checkpoint: TensorSet, params: readonly PlacedParam[]): string[] {
  const { directory, tensors } = checkpoint
  const { storedWeights } = checkpoint.model
  const used = new Set<string>()
  for (const param of params) {
    for (const source of param.sources) {
      const { name } = source
      used.add(name)
      const expected = storedShape(source, param.kind === 'vector')
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
      if (storedWeights && param.kind === 'matrix' && tensor.dtype === 'F8_E4M3') {
        used.add(scaleTensorOf(checkpoint, storedWeights, tensor).name)
      } else if (!floatDTypeOf(tensor.dtype)) {
        throw badCheckpoint(
          `${tensor.file}: tensor ${name}: expected dtype F32, F16 or BF16, found ${tensor.dtype}`,
        )
      }
    }
  }
  const isUnused = (name: string): boolean =>
    !used.has(name) &&
    !isComputedBuffer(name) &&
    !isCacheScale(name) &&
    !(storedWeights && isUnusedScale(name))
  return [...tensors.keys()].filter(isUnused).sort()
}

/** The shape a source's tensor has in its file. */
function storedShape({ rows, columns, stacked, turned }: ParamSource, isVector: boolean): number[] {
  const shape = isVector && columns === 1 ? [rows] : turned ? [columns, rows] : [rows, columns]
  return stacked ? [stacked.of, ...shape] : shape
}

/** Points out a checkpoint whose names carry another prefix, the usual cause of a missing tensor. */
function similar(name: string, tensors: ReadonlyMap<string, StoredTensor>): string {
  const tail = name.replace(/^model\./, '')
  const other = [...tensors.keys()].find((key) => key !== name && key.endsWith(`.${tail}`))
  return other ? `; the checkpoint has ${other}` : ''
}
