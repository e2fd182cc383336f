import type { ParamSource, PlacedParam } from '@trtllm/graph'
import {
  type BlockScales,
  type Device,
  type Buffer as DeviceBuffer,
  type DType,
  dtypeBytes,
  type MatrixPlace,
  type MatrixSource,
} from '@trtllm/kernels'
import { checkParams } from './check-params.js'
import { floatValues } from './float-values.js'
import type { Checkpoint } from './open-checkpoint.js'
import { floatDTypeOf } from './safetensors-dtype.js'
import type { StoredTensor } from './safetensors-header.js'
import { gridOf, readScales, rowScalesOf } from './stored-scales.js'

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

function load(checkpoint: Checkpoint, read: Read, device: Device, buffer: DeviceBuffer): void {
  const { tensor, source, param, scale } = read
  const { storedWeights } = checkpoint.model
  const isF8 = tensor.dtype === 'F8_E4M3'
  const dtype: DType = isF8 ? 'f8' : floatDTypeOf(tensor.dtype)!
  const { rows, columns, turned = false, stacked } = source
  const {
    firstRow,
    firstColumn,
    rowStep = 1,
    ...part
  } = source.slice ?? { firstRow: 0, firstColumn: 0, rows, columns }
  const [rowStride, columnStride] = turned ? [1, rows] : [columns, 1]
  const first = (stacked?.index ?? 0) * rows * columns + firstRow * rowStride + firstColumn * columnStride
  const matrix: FileMatrix = {
    file: checkpoint.map(tensor.file),
    offset: tensor.offset + first * dtypeBytes[dtype],
    dtype,
    rows: part.rows,
    columns: part.columns,
    rowStride: rowStep * rowStride,
    columnStride,
  }
  const number = source.matrix ?? 0
  const { dtype: kept, rows: height, columns: width } = param
  const offset = param.offset + number * device.matrixBytes(kept, height, width)
  const place = { offset, dtype: kept, rows: height, columns: width, firstRow: source.firstRow }
  if (isF8 && storedWeights) {
    const scales = readScales(checkpoint, storedWeights, tensor)
    loadStored(read, { ...scales, firstRow, firstColumn }, place, matrix, device, buffer)
  } else if (param.kind === 'matrix') {
    if (scale) device.loadQuantized(buffer, place, scale.offset + number * height * dtypeBytes.f32, matrix)
    else device.loadMatrix(buffer, place, matrix)
  } else {
    const at = param.offset + (number * height + source.firstRow) * width * dtypeBytes[kept]
    device.loadVector(buffer, { offset: at, dtype: kept }, shifted(matrix, source.plus))
  }
}

/** A matrix of f8 and its scales as they are; in a param of floats, multiplied out. */
function loadStored(
  { param, scale, source }: Read,
  scales: BlockScales,
  place: MatrixPlace,
  matrix: FileMatrix,
  device: Device,
  buffer: DeviceBuffer,
): void {
  if (param.dtype !== 'f8') {
    device.loadScaled(buffer, place, scales, matrix)
    return
  }
  if (!scale) throw new Error(`${param.path} is f8 and has no scales`)
  device.loadMatrix(buffer, place, matrix)
  const part = scale.kind === 'grid' ? gridOf(scales, matrix) : rowScalesOf(scales, matrix)
  const firstRow = scale.kind === 'grid' ? source.firstRow / scales.blockRows : source.firstRow
  const row = (source.matrix ?? 0) * scale.rows + firstRow
  const offset = scale.offset + row * scale.columns * dtypeBytes[scale.dtype]
  device.loadVector(buffer, { offset, dtype: scale.dtype }, part)
}

/** The matrix, or its values plus a constant: those pass through JavaScript, for norms are small. */
function shifted(matrix: FileMatrix, plus: number | undefined): MatrixSource {
  if (plus === undefined) return matrix
  const { file, offset, dtype, rows, columns } = matrix
  const values = floatValues(file.read(offset, rows * columns * dtypeBytes[dtype]), dtype)
  return { values: values.map((value) => value + plus), rows, columns }
}

const bytesOf = ({ tensor, source: { slice, rows, columns, stacked } }: Read): number => {
  const whole = tensor.bytes / (stacked?.of ?? 1)
  return slice ? (whole / (rows * columns)) * slice.rows * slice.columns : whole
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
