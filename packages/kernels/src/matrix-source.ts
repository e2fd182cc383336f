import type { DType } from './dtype.js'
import { TrtllmError } from './errors.js'
import type { MappedFile } from './mapped-file.js'
import type { NativeMatrixSource } from './native-functions.js'
import { handleOf } from './native-object.js'

/** Row-major elements in a mapped file: `rows` rows of `columns` elements from column `columnStart` of longer rows. */
export interface FileMatrix {
  readonly file: MappedFile
  /** Bytes to the first element of the first row. */
  readonly offset: number
  readonly dtype: DType
  readonly rows: number
  readonly columns: number
  /** Elements from one row to the next; `columns` when absent. */
  readonly rowStride?: number
  readonly columnStart?: number
  /** Elements from one column to the next; 1 when absent. Another one turns what is stored the other way round. */
  readonly columnStride?: number
}

/** Row-major values from JavaScript. */
export interface ValueMatrix {
  readonly values: Float32Array
  readonly rows: number
  readonly columns: number
}

/** Where weights come from. */
export type MatrixSource = FileMatrix | ValueMatrix

export function nativeSource(source: MatrixSource): NativeMatrixSource {
  if ('values' in source) {
    if (!(source.values instanceof Float32Array)) {
      throw new TrtllmError('invalid_type', 'matrix values: expected a Float32Array')
    }
    return [source.rows, source.columns, source.values]
  }
  const {
    file,
    offset,
    dtype,
    rows,
    columns,
    rowStride = columns,
    columnStart = 0,
    columnStride = 1,
  } = source
  return [rows, columns, handleOf(file), offset, dtype, rowStride, columnStart, columnStride]
}
