import { defineOp, f32, i32, like, optional, tensor } from '../../src/define-op.js'
import { eachFloat, ropeAttributes, ropeInputs } from '../../src/op-cases.js'

/*
 * Angle = f32(position) * inverse frequency, one f32 product; its cosine and sine are right to f32 for any angle.
 * Half style pairs (i, i + rotaryDim / 2), interleaved pairs (2i, 2i + 1); elements from rotaryDim on are copied.
 * Dynamic NTK, position p with n = p + 1 > dynamicLength: inverse frequency i becomes b^(-2i / d) with d = rotaryDim,
 * b = base * (dynamicFactor * n / dynamicLength - (dynamicFactor - 1))^(d / (d - 2)); the table is used otherwise.
 */
export const rope = defineOp({
  name: 'rope',
  summary:
    'rotates the first rotaryDim elements of each head by position * inverse frequency (RoFormer, arXiv 2104.09864); cos and sin are scaled by attentionFactor; dynamicFactor > 0 takes the dynamic NTK base of length position + 1',
  inputs: {
    x: tensor('tokens', 'heads', 'headDim'),
    positions: i32('tokens'),
    inverseFrequencies: f32('variants', 'half'),
    variant: optional(i32('tokens')),
  },
  outputs: { y: like('x', 'tokens', 'heads', 'headDim') },
  attributes: {
    rotaryDim: 'i32',
    interleaved: 'i32',
    attentionFactor: 'f32',
    dynamicFactor: 'f32',
    dynamicLength: 'i32',
    base: 'f32',
  },
  cost: (d, size) => ({
    bytes: 2 * d.tokens! * d.heads! * d.headDim! * size,
    flops: 3 * d.tokens! * d.heads! * d.headDim!,
  }),
  cases: eachFloat([
    {
      name: '1 token',
      dims: { tokens: 1, heads: 1, headDim: 2, variants: 1, half: 1 },
      attributes: ropeAttributes(2),
      without: ['variant'],
    },
    {
      name: 'half style',
      dims: { tokens: 19, heads: 3, headDim: 64, variants: 1, half: 32 },
      attributes: ropeAttributes(64),
      without: ['variant'],
    },
    {
      name: 'partial, variants',
      dims: { tokens: 11, heads: 2, headDim: 80, variants: 2, half: 16 },
      attributes: ropeAttributes(32, { attentionFactor: 1.19 }),
    },
    {
      name: 'interleaved, partial',
      dims: { tokens: 9, heads: 5, headDim: 36, variants: 1, half: 9 },
      attributes: ropeAttributes(18, { interleaved: 1 }),
      without: ['variant'],
    },
    {
      name: 'dynamic',
      dims: { tokens: 40, heads: 2, headDim: 128, variants: 1, half: 64 },
      attributes: ropeAttributes(128, { dynamicFactor: 4, dynamicLength: 2048 }),
      without: ['variant'],
    },
  ]),
  tolerance: { f32: 1e-4, f16: 4e-3, bf16: 2e-2 },
  makeInputs: ropeInputs,
})
