import { defineOp, f32, like, optional, tensor } from '../../src/define-op.js'
import { exactInF8, producedLinearCases, wholeNumbers } from '../../src/produced-linear-cases.js'

/*
 * Exact meaning: add-rms-norm, then linear-f8 of its `normed`, which is rounded to the float type on the way. A kernel may
 * round each row of it to f8 as linear-f8 may.
 */
export const addRmsNormLinearF8 = defineOp({
  name: 'add-rms-norm-linear-f8',
  summary:
    'sum = x + added, rounded to its type; y = rmsNorm(sum) * normWeight * (weight * weightScale)^T + bias',
  inputs: {
    x: tensor('rows', 'in'),
    added: tensor('rows', 'in'),
    normWeight: f32('in'),
    weight: { dims: ['out', 'in'], dtype: 'f8', role: 'weight' },
    weightScale: f32('out'),
    bias: optional(tensor('out')),
  },
  outputs: { sum: like('x', 'rows', 'in'), y: { ...like('x', 'rows', 'out'), orF32: true } },
  attributes: { eps: 'f32' },
  cost: (d, size) => ({
    bytes: d.rows! * (3 * d.in! + d.out!) * size + d.in! * d.out! + 4 * (d.in! + d.out!),
    flops: 2 * d.rows! * d.in! * d.out!,
  }),
  cases: producedLinearCases({ eps: 1e-6 }),
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
  makeInputs({ dims: { rows = 1, in: columns = 1, out = 1 } }, random) {
    // Sums are a power of two, one for each row, and signs: the norm of a row is +-1 and what it is multiplied by f8 holds.
    const x = new Float32Array(rows * columns)
    const added = new Float32Array(rows * columns)
    for (let i = 0; i < x.length; i++) {
      const sum = 2 ** ((Math.floor(i / columns) % 5) - 2) * (random() < 0.5 ? -1 : 1)
      x[i] = (sum * (Math.floor(random() * 17) - 8)) / 4
      added[i] = sum - x[i]!
    }
    return { x, added, normWeight: exactInF8(1, columns, random), ...wholeNumbers(out, columns, 16, random) }
  },
})
