/** A two-dimensional array, row by row. */
export interface Matrix {
  readonly columns: number
  readonly data: Float64Array
}

/** Some of the columns. */
export function columnsOf(matrix: Matrix, firstColumn: number, columns: number): Matrix {
  if (columns === matrix.columns) return matrix
  const rows = matrix.data.length / matrix.columns
  const data = new Float64Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const from = row * matrix.columns + firstColumn
    data.set(matrix.data.subarray(from, from + columns), row * columns)
  }
  return { columns, data }
}

/** The columns of each behind those of the one before. */
export function besideEachOther(parts: readonly Matrix[]): Matrix {
  const columns = parts.reduce((sum, part) => sum + part.columns, 0)
  const rows = parts[0]!.data.length / parts[0]!.columns
  const data = new Float64Array(rows * columns)
  let before = 0
  for (const part of parts) {
    for (let row = 0; row < rows; row++) {
      data.set(part.data.subarray(row * part.columns, (row + 1) * part.columns), row * columns + before)
    }
    before += part.columns
  }
  return { columns, data }
}

export function linear(x: Matrix, weight: Matrix, bias: Matrix | undefined): Matrix {
  const columns = weight.data.length / weight.columns
  const data = new Float64Array((x.data.length / x.columns) * columns)
  for (let at = 0; at < data.length; at++) {
    const column = at % columns
    const [row, from] = [((at - column) / columns) * x.columns, column * weight.columns]
    let sum = bias?.data[column] ?? 0
    for (let i = 0; i < x.columns; i++) sum += x.data[row + i]! * weight.data[from + i]!
    data[at] = sum
  }
  return { columns, data }
}

/** Norms runs of `width` elements; run i takes the run of weights i modulo how many there are. */
export function norm(
  { columns, data: x }: Matrix,
  weight: Matrix | undefined,
  width: number,
  eps: number,
  isCentred: boolean,
): Matrix {
  const data = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += width) {
    const run = x.subarray(at, at + width)
    const mean = isCentred ? run.reduce((sum, value) => sum + value, 0) / width : 0
    const squares = run.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const scale = 1 / Math.sqrt(squares / width + eps)
    for (let i = 0; i < width; i++) {
      const factor = weight ? weight.data[(at + i) % weight.data.length]! : 1
      data[at + i] = (run[i]! - mean) * scale * factor
    }
  }
  return { columns, data }
}

export function map({ columns, data }: Matrix, compute: (x: number) => number): Matrix {
  return { columns, data: data.map(compute) }
}

export function elementwise(a: Matrix, b: Matrix, compute: (x: number, y: number) => number): Matrix {
  return { columns: a.columns, data: a.data.map((x, i) => compute(x, b.data[i]!)) }
}
