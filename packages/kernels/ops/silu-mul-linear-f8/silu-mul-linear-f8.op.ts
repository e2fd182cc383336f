import { defineOp, f32, like, optional, tensor } from '../../src/define-op.js'
import { exactInF8, producedLinearCases, wholeNumbers } from '../../src/produced-linear-cases.js'

/*
 * Exact meaning: silu-mul, then linear-f8 of its result, which is rounded to the float type on the way. A kernel may round
 * each row of it to f8 as linear-f8 may.
 */
export const siluMulLinearF8 = defineOp({
  name: 'silu-mul-linear-f8',
  summary: 'y = (silu(gate) * up) * (weight * weightScale)^T + bias for weights in f8',
  inputs: {
    gate: tensor('rows', 'in'),
    up: tensor('rows', 'in'),
    weight: { dims: ['out', 'in'], dtype: 'f8', role: 'weight' },
    weightScale: f32('out'),
    bias: optional(tensor('out')),
  },
  outputs: { y: { ...like('gate', 'rows', 'out'), orF32: true } },
  attributes: {},
  cost: (d, size) => ({
    bytes: d.rows! * (2 * d.in! + d.out!) * size + d.in! * d.out! + 4 * d.out!,
    flops: 2 * d.rows! * d.in! * d.out!,
  }),
  cases: producedLinearCases(),
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
  makeInputs({ dims: { rows = 1, in: columns = 1, out = 1 } }, random) {
    // silu(32) is 32 and silu(-128) is 0 to the last bit of an f32: f8 holds the products.
    const up = exactInF8(rows, columns, random)
    const gate = Float32Array.from(up, () => (random() < 0.2 ? -128 : 32))
    return { gate, up: up.map((value) => value / 32), ...wholeNumbers(out, columns, 16, random) }
  },
})
