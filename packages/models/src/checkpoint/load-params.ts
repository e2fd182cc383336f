import type { ParamSource, PlacedParam } from '@trtllm/graph'
import { type Device, type Buffer as DeviceBuffer, dtypeBytes, type MatrixSource } from '@trtllm/kernels'
import { checkParams } from './check-params.js'
import { floatValues } from './float-values.js'
import type { Checkpoint } from './open-checkpoint.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'

/** A part of a file, as the device reads it. */
type FileMatrix = Extract<MatrixSource, { readonly file: unknown }>

/** Called as loading goes on: checkpoint bytes done and in all, and the tensor just loaded. */
export type LoadProgress = (done: number, total: number, tensor: string) => void

/** One read: a checkpoint tensor, or a part of it, into a param and, where that is quantized, its scale. */
interface Read {
  readonly tensor: StoredTensor
  readonly source: ParamSource
  readonly param: PlacedParam
  readonly scale: PlacedParam | undefined
}

/**
 * Fills the weights buffer of a plan from a checkpoint, file by file in the order of their bytes, one file mapped
 * at a time. Data is converted and packed by the device; none of it passes through JavaScript. The event loop
 * turns between tensors.
 * @returns names of tensors the model does not use.
 * @throws TrtllmError bad_checkpoint before anything is written when a tensor is missing or has another shape.
 */
export async function loadParams(
  checkpoint: Checkpoint,
  params: readonly PlacedParam[],
  device: Device,
  buffer: DeviceBuffer,
  onProgress?: LoadProgress,
): Promise<string[]> {
  const unused = checkParams(checkpoint, params)
  writeDerived(params, buffer)
  const scales = new Map(params.map((param) => [param.scaleOf, param]))
  const reads = params.flatMap((param) =>
    param.sources.map((source): Read => {
      return { param, scale: scales.get(param.path), source, tensor: checkpoint.tensors.get(source.name)! }
    }),
  )
  reads.sort((a, b) => compare(a.tensor.file, b.tensor.file) || a.tensor.offset - b.tensor.offset)
  const total = reads.reduce((sum, read) => sum + bytesOf(read), 0)
  let done = 0
  for (const [i, read] of reads.entries()) {
    load(checkpoint, read, device, buffer)
    done += bytesOf(read)
    onProgress?.(done, total, read.tensor.name)
    if (reads[i + 1]?.tensor.file !== read.tensor.file) checkpoint.unmap(read.tensor.file)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return unused
}

/** Writes the params whose values come from the config (rope tables) and not from a checkpoint. */
export function writeDerived(params: readonly PlacedParam[], buffer: DeviceBuffer): void {
  for (const { values, offset } of params) if (values) buffer.write(values, offset)
}

function load(
  checkpoint: Checkpoint,
  { tensor, source, param, scale }: Read,
  device: Device,
  buffer: DeviceBuffer,
): void {
  const dtype = floatDTypeOf(tensor.dtype)!
  const { rows, columns } = source
  const { firstRow, firstColumn, ...part } = source.slice ?? { firstRow: 0, firstColumn: 0, rows, columns }
  const matrix: FileMatrix = {
    file: checkpoint.map(tensor.file),
    offset: tensor.offset + firstRow * columns * dtypeBytes[dtype],
    dtype,
    rows: part.rows,
    columns: part.columns,
    rowStride: columns,
    columnStart: firstColumn,
  }
  if (param.kind === 'matrix') {
    const { dtype, rows, columns } = param
    const number = source.matrix ?? 0
    const offset = param.offset + number * device.matrixBytes(dtype, rows, columns)
    const place = { offset, dtype, rows, columns, firstRow: source.firstRow }
    if (scale) device.loadQuantized(buffer, place, scale.offset + number * rows * dtypeBytes.f32, matrix)
    else device.loadMatrix(buffer, place, matrix)
  } else {
    const offset = param.offset + source.firstRow * param.columns * dtypeBytes[param.dtype]
    device.loadVector(buffer, { offset, dtype: param.dtype }, shifted(matrix, source.plus))
  }
}

/** The matrix, or its values plus a constant: those pass through JavaScript, for norms are small. */
function shifted(matrix: FileMatrix, plus: number | undefined): MatrixSource {
  if (plus === undefined) return matrix
  const { file, offset, dtype, rows, columns } = matrix
  const values = floatValues(file.read(offset, rows * columns * dtypeBytes[dtype]), dtype)
  return { values: values.map((value) => value + plus), rows, columns }
}

const bytesOf = ({ tensor, source: { slice, rows, columns } }: Read): number =>
  slice ? (tensor.bytes / (rows * columns)) * slice.rows * slice.columns : tensor.bytes

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
