import { defineOp, f32, like, optional, tensor } from '../../src/define-op.js'
import { eachFloat } from '../../src/op-cases.js'

export const headRmsNorm = defineOp({
  name: 'head-rms-norm',
  summary:
    'each head of each token by itself: y = x / sqrt(mean(x^2) + eps) * weight; without weight the factor is 1',
  inputs: { x: tensor('tokens', 'heads', 'headDim'), weight: optional(f32('headDim')) },
  outputs: { y: like('x', 'tokens', 'heads', 'headDim') },
  attributes: { eps: 'f32' },
  cost: (d, size) => ({
    bytes: 2 * d.tokens! * d.heads! * d.headDim! * size,
    flops: 4 * d.tokens! * d.heads! * d.headDim!,
  }),
  cases: eachFloat([
    { name: '1 of 2', dims: { tokens: 1, heads: 1, headDim: 2 }, attributes: { eps: 1e-6 } },
    { name: '3 of 4x16', dims: { tokens: 3, heads: 4, headDim: 16 }, attributes: { eps: 1e-6 } },
    { name: '19 of 8x128', dims: { tokens: 19, heads: 8, headDim: 128 }, attributes: { eps: 1e-6 } },
    { name: '5 of 3x80', dims: { tokens: 5, heads: 3, headDim: 80 }, attributes: { eps: 1e-5 } },
    { name: '7 of 2x37', dims: { tokens: 7, heads: 2, headDim: 37 }, attributes: { eps: 1e-5 } },
    { name: '2 of 5x256', dims: { tokens: 2, heads: 5, headDim: 256 }, attributes: { eps: 1e-6 } },
    {
      name: '4 of 6x64, no weight',
      dims: { tokens: 4, heads: 6, headDim: 64 },
      attributes: { eps: 1e-6 },
      without: ['weight'],
    },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
})
