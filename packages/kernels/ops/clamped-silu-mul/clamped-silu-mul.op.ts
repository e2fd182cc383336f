import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const clampedSiluMul = defineOp({
  name: 'clamped-silu-mul',
  summary: 'z = g / (1 + exp(-alpha * g)) * (u + 1) with g = min(x, limit), u = y clamped to -limit..limit',
  inputs: { x: tensor('rows', 'dim'), y: tensor('rows', 'dim') },
  outputs: { z: like('x', 'rows', 'dim') },
  attributes: { limit: 'f32', alpha: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 3 * rows! * dim! * size, flops: 8 * rows! * dim! }),
  cases: sizes(
    'rows',
    'dim',
    [
      [1, 1],
      [3, 17],
      [19, 1024],
    ],
    { limit: 0.75, alpha: 1.702 },
  ),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
