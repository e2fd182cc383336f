import { defineOp, f32, i32, like, optional, tensor } from '../../src/define-op.js'
import { randomRoute } from '../../src/expert-cases.js'
import { eachFloat } from '../../src/op-cases.js'

export const combineExperts = defineOp({
  name: 'combine-experts',
  summary:
    'y[t] = the sum over j of weights[t, j] * x[place[t, j]], in the order of j in f32 and rounded once; without weights they are 1',
  inputs: {
    x: tensor('pairs', 'dim'),
    place: i32('tokens', 'chosen'),
    weights: optional(f32('tokens', 'chosen')),
  },
  outputs: { y: like('x', 'tokens', 'dim') },
  attributes: {},
  cost: ({ tokens, chosen, dim }, size) => ({
    bytes: tokens! * (chosen! * (dim! * size + 8) + dim! * size),
    flops: 2 * tokens! * chosen! * dim!,
  }),
  cases: eachFloat([
    { name: '1x1x1', dims: { tokens: 1, chosen: 1, pairs: 1, dim: 1 } },
    { name: '5x2x17', dims: { tokens: 5, chosen: 2, pairs: 10, dim: 17 } },
    { name: '70x8x384', dims: { tokens: 70, chosen: 8, pairs: 560, dim: 384 } },
    {
      name: '9x3x264 without weights',
      dims: { tokens: 9, chosen: 3, pairs: 27, dim: 264 },
      without: ['weights'],
    },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: ({ dims: { tokens = 1, chosen = 1 } }, random) => ({
    place: randomRoute(tokens, chosen, 2 * chosen, random).place,
    weights: Float32Array.from({ length: tokens * chosen }, () => random() / chosen),
  }),
})
