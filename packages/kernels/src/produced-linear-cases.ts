import type { OpCase } from './define-op.js'
import { eachFloat, integers } from './op-cases.js'

/** Cases of an op that makes rows and multiplies them by weights in f8 with a scale for each output. */
export function producedLinearCases(attributes?: Readonly<Record<string, number>>): OpCase[] {
  const shapes = [
    { name: '1x1x1', dims: { rows: 1, in: 1, out: 1 } },
    { name: '3x17x5 no bias', dims: { rows: 3, in: 17, out: 5 }, without: ['bias'] },
    { name: '1x384x384', dims: { rows: 1, in: 384, out: 384 }, without: ['bias'] },
    { name: '8x1024x72', dims: { rows: 8, in: 1024, out: 72 } },
    {
      name: '13x288x100 to f32',
      dims: { rows: 13, in: 288, out: 100 },
      without: ['bias'],
      f32Results: ['y'],
    },
    { name: '9x2048x136', dims: { rows: 9, in: 2048, out: 136 }, without: ['bias'] },
    { name: '64x512x264', dims: { rows: 64, in: 512, out: 264 } },
    { name: '211x96x48', dims: { rows: 211, in: 96, out: 48 }, without: ['bias'] },
    { name: '40x1022x49', dims: { rows: 40, in: 1022, out: 49 } },
  ]
  return eachFloat(shapes.map((shape) => ({ ...shape, ...(attributes && { attributes }) })))
}

/**
 * Rows of eighths up to 14, one of 14 in each: f8 holds them exactly times a power of two, so that rounding a row changes
 * nothing and a kernel that does it is held to the same tolerance.
 */
export function exactInF8(rows: number, columns: number, random: () => number): Float32Array {
  const x = Float32Array.from(integers(rows * columns, -14, 15, random), (n) => n / 8)
  for (let row = 0; row < rows; row++) x[row * columns + Math.floor(random() * columns)] = 1.75
  return x
}

/** Weights up to `largest` and their scales. F8 holds whole numbers up to 16. */
export function wholeNumbers(out: number, columns: number, largest: number, random: () => number) {
  const weightScale = Float32Array.from({ length: out }, () => (0.5 + random()) / 128)
  const weight = Float32Array.from(integers(out * columns, -largest, largest + 1, random))
  return { weight, weightScale }
}
