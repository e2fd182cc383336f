import type { BlockScales, ValueMatrix } from '@trtllm/kernels'
import { badCheckpoint } from '../bad-input.js'
import type { StoredWeights } from '../stored-weights.js'
import { floatValues } from './float-values.js'
import type { Checkpoint } from './open-checkpoint.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'

/** Scales of a whole stored weight: one for each block of it. */
export type WeightScales = Omit<BlockScales, 'firstRow' | 'firstColumn'>

type Tensors = Pick<Checkpoint, 'directory' | 'tensors'>

/** The tensor of the scales of an f8 weight. @throws TrtllmError bad_checkpoint if it is missing or of another shape. */
export function scaleTensorOf(
  { directory, tensors }: Tensors,
  stored: StoredWeights,
  weight: StoredTensor,
): StoredTensor {
  const name = stored.scaleName(weight.name)
  const tensor = tensors.get(name)
  if (!tensor) {
    throw badCheckpoint(
      `${directory}: tensor ${name} is missing; ${weight.name} is stored as ${stored.method} and needs its scales`,
    )
  }
  const shapes = scaleShapes(weight, stored)
  if (!shapes.some((shape) => shape.join() === tensor.shape.join())) {
    const expected = shapes.map((shape) => `[${shape.join(', ')}]`).join(' or ')
    throw badCheckpoint(
      `${tensor.file}: tensor ${name}: expected shape ${expected} for a weight of [${weight.shape.join(', ')}], found [${tensor.shape.join(', ')}]`,
    )
  }
  if (!floatDTypeOf(tensor.dtype)) {
    throw badCheckpoint(
      `${tensor.file}: tensor ${name}: expected dtype F32, F16 or BF16, found ${tensor.dtype}`,
    )
  }
  return tensor
}

function scaleShapes({ shape }: StoredTensor, { block }: StoredWeights): readonly (readonly number[])[] {
  const [rows = 0, columns = 0] = shape
  if (block) return [[Math.ceil(rows / block[0]), Math.ceil(columns / block[1])]]
  return [[], [1], [rows], [rows, 1]]
}

/** Reads the scales of an f8 weight; they are few and pass through JavaScript. */
export function readScales(
  checkpoint: Checkpoint,
  stored: StoredWeights,
  weight: StoredTensor,
): WeightScales {
  const tensor = scaleTensorOf(checkpoint, stored, weight)
  const bytes = checkpoint.map(tensor.file).read(tensor.offset, tensor.bytes)
  const values = floatValues(bytes, floatDTypeOf(tensor.dtype)!)
  const [rows = 0, columns = 0] = weight.shape
  if (stored.block) {
    const [blockRows, blockColumns] = stored.block
    return { values, rows: tensor.shape[0]!, columns: tensor.shape[1]!, blockRows, blockColumns }
  }
  const blockRows = values.length === 1 ? Math.max(1, rows) : 1
  return { values, rows: values.length, columns: 1, blockRows, blockColumns: Math.max(1, columns) }
}

/** A part of a stored weight. */
interface Part {
  readonly rows: number
  readonly columns: number
}

/** The scale of each row of a part, where scales are for rows or for the whole weight. */
export function rowScalesOf({ values, blockRows, firstRow }: BlockScales, { rows }: Part): ValueMatrix {
  const each = Float32Array.from(
    { length: rows },
    (_, row) => values[Math.floor((firstRow + row) / blockRows)]!,
  )
  return { values: each, rows, columns: 1 }
}

/** The scales of the blocks of a part that begins where a block does. */
export function gridOf(scales: BlockScales, part: Part): ValueMatrix {
  const { values, blockRows, blockColumns } = scales
  const rows = Math.ceil(part.rows / blockRows)
  const columns = Math.ceil(part.columns / blockColumns)
  const from = (scales.firstRow / blockRows) * scales.columns + scales.firstColumn / blockColumns
  const each = Float32Array.from(
    { length: rows * columns },
    (_, i) => values[from + Math.floor(i / columns) * scales.columns + (i % columns)]!,
  )
  return { values: each, rows, columns }
}
