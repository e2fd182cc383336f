import { defineOp, f32, like, type OpCase, optional, tensor } from './define-op.js'
import type { QuantizedDType } from './dtype.js'
import { eachFloat } from './op-cases.js'
import { exactInF8, wholeNumbers } from './produced-linear-cases.js'

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

/** The op of linears whose weights are kept in 8 bits with one scale for each output. `more`: cases beside the common ones. */
export function quantizedLinearOp<const Name extends string>(
  name: Name,
  dtype: QuantizedDType,
  summary: string,
  more: readonly OpCase[] = [],
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
    cases: [...eachFloat(shapes), ...more],
    tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
    makeInputs({ dims: { rows = 1, in: columns = 1, out = 1 } }, random) {
      const x = exactInF8(rows, columns, random)
      return { x, ...wholeNumbers(out, columns, dtype === 'i8' ? 127 : 16, random) }
    },
  })
}
