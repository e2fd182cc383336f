import { defineOp, i32 } from '../../src/define-op.js'
import { integers } from '../../src/op-cases.js'

export const positionTemperature = defineOp({
  name: 'position-temperature',
  summary: 'y[t] = 1 + strength * ln(1 + floor((positions[t] + 1) / stretch))',
  inputs: { positions: i32('tokens') },
  outputs: { y: { dims: ['tokens', 1], dtype: 'f32' } },
  attributes: { strength: 'f32', stretch: 'f32' },
  cost: ({ tokens }) => ({ bytes: 8 * tokens!, flops: 0 }),
  cases: [
    { name: '1', dims: { tokens: 1 }, dtype: 'f32', attributes: { strength: 0.1, stretch: 8192 } },
    { name: '77', dims: { tokens: 77 }, dtype: 'f32', attributes: { strength: 0.5, stretch: 16 } },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: ({ dims: { tokens = 1 } }, random) => ({ positions: integers(tokens, 0, 100_000, random) }),
})
