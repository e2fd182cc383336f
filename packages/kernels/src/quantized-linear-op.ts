import { defineOp, f32, like, optional, tensor } from './define-op.js'
import type { QuantizedDType } from './dtype.js'
import { eachFloat, integers } from './op-cases.js'

const shapes = [
  { name: '1x1x1', dims: { rows: 1, in: 1, out: 1 } },
  { name: '3x17x5 no bias', dims: { rows: 3, in: 17, out: 5 }, without: ['bias'] },
  { name: '1x384x384', dims: { rows: 1, in: 384, out: 384 }, without: ['bias'] },
  { name: '5x1022x49', dims: { rows: 5, in: 1022, out: 49 } },
  { name: '13x288x100 to f32', dims: { rows: 13, in: 288, out: 100 }, without: ['bias'], f32Results: ['y'] },
  { name: '64x512x257', dims: { rows: 64, in: 512, out: 257 } },
  { name: '211x96x48', dims: { rows: 211, in: 96, out: 48 }, without: ['bias'] },
  { name: '300x512x256', dims: { rows: 300, in: 512, out: 256 }, without: ['bias'] },
] as const

// As many columns as a kernel wants that spreads one weight over every multiprocessor of a large GPU.
const wholeDevice = [
  { name: '17x2048x6136 bf16', dims: { rows: 17, in: 2048, out: 6136 }, dtype: 'bf16' },
] as const

/** The op of linears whose weights are kept in 8 bits with one scale for each output. */
export function quantizedLinearOp<const Name extends string>(
  name: Name,
  dtype: QuantizedDType,
  summary: string,
) {
  return defineOp({
    name,
    summary,
    inputs: {
      x: tensor('rows', 'in'),
      weight: { dims: ['out', 'in'], dtype, role: 'weight' },
      weightScale: f32('out'),
      bias: optional(tensor('out')),
    },
    outputs: { y: { ...like('x', 'rows', 'out'), orF32: true } },
    attributes: {},
    cost: (d, size) => ({
      bytes: d.rows! * (d.in! + d.out!) * size + d.in! * d.out! + 4 * d.out!,
      flops: 2 * d.rows! * d.in! * d.out!,
    }),
    cases: [...eachFloat(shapes), ...wholeDevice],
    tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
    makeInputs({ dims: { rows = 1, in: columns = 1, out = 1 } }, random) {
      // Eighths up to 14 with one of 14 in each row: f8 holds them exactly times a power of two, so that rounding x per
      // row changes nothing and a kernel that does it is held to the same tolerance.
      const x = Float32Array.from(integers(rows * columns, -14, 15, random), (n) => n / 8)
      for (let row = 0; row < rows; row++) x[row * columns + Math.floor(random() * columns)] = 1.75
      const weightScale = Float32Array.from({ length: out }, () => (0.5 + random()) / 128)
      const largest = dtype === 'i8' ? 127 : 16
      const weight = Float32Array.from(integers(out * columns, -largest, largest + 1, random))
      return { x, weight, weightScale }
    },
  })
}
