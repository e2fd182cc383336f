import { defineOp, like, tensor } from '../../src/define-op.js'
import { sizes } from '../../src/op-cases.js'

export const softcap = defineOp({
  name: 'softcap',
  summary: 'y = cap * tanh(x / cap): close to x while |x| is far below cap, never above it',
  inputs: { x: tensor('rows', 'dim') },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: { cap: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size, flops: 6 * rows! * dim! }),
  cases: sizes(
    'rows',
    'dim',
    [
      [1, 1],
      [3, 17],
      [1, 384],
      [19, 1024],
      [5, 4099],
    ],
    { cap: 0.75 },
  ),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
