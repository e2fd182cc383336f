import { defineOp, f32, i32, like, optional, state, tensor, updated } from '../../src/define-op.js'
import { cacheDims, eachCache, ropeAttributes, ropeInputs, stepSequences } from '../../src/op-cases.js'

export const normRopeKvWrite = defineOp({
  name: 'norm-rope-kv-write',
  summary:
    'head-rms-norm of q and k, rounded to their type, then their rope and kv-write of the rotated k and of v, in one pass',
  inputs: {
    q: tensor('tokens', 'heads', 'headDim'),
    k: tensor('tokens', 'kvHeads', 'headDim'),
    v: tensor('tokens', 'kvHeads', 'headDim'),
    qWeight: f32('headDim'),
    kWeight: f32('headDim'),
    positions: i32('tokens'),
    inverseFrequencies: f32('variants', 'half'),
    variant: optional(i32('tokens')),
    tokenSlot: i32('tokens'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('cache', 'pages', 2, 'kvHeads', 'pageTokens', 'headDim'),
  },
  outputs: {
    q: like('q', 'tokens', 'heads', 'headDim'),
    cache: updated('cache', 'pages', 2, 'kvHeads', 'pageTokens', 'headDim'),
  },
  attributes: {
    rotaryDim: 'i32',
    interleaved: 'i32',
    attentionFactor: 'f32',
    dynamicFactor: 'f32',
    dynamicLength: 'i32',
    base: 'f32',
    keyScale: 'factor',
    valueScale: 'factor',
    eps: 'f32',
  },
  cost: (d, size) => ({
    bytes: 2 * d.tokens! * (d.heads! + 2 * d.kvHeads!) * d.headDim! * size,
    flops: 7 * d.tokens! * (d.heads! + d.kvHeads!) * d.headDim!,
  }),
  cases: eachCache([
    {
      name: '1 token',
      dims: { ...cacheDims(1, 1, 1, 0), tokens: 1, heads: 1, kvHeads: 1, headDim: 16, variants: 1, half: 8 },
      attributes: { ...ropeAttributes(16), eps: 1e-6 },
      without: ['variant'],
    },
    {
      name: 'half style',
      dims: {
        ...cacheDims(3, 4, 3, 2),
        tokens: 50,
        heads: 8,
        kvHeads: 2,
        headDim: 64,
        variants: 1,
        half: 32,
      },
      attributes: { ...ropeAttributes(64), eps: 1e-6 },
      without: ['variant'],
    },
    {
      name: 'partial, variants',
      dims: {
        ...cacheDims(2, 2, 4, 0),
        tokens: 31,
        heads: 3,
        kvHeads: 3,
        headDim: 80,
        variants: 2,
        half: 16,
      },
      attributes: { ...ropeAttributes(32, { attentionFactor: 1.19 }), eps: 1e-5 },
    },
    {
      name: 'interleaved',
      dims: { ...cacheDims(2, 3, 4, 0), tokens: 9, heads: 4, kvHeads: 1, headDim: 36, variants: 1, half: 18 },
      attributes: { ...ropeAttributes(36, { interleaved: 1 }), eps: 1e-5 },
      without: ['variant'],
    },
    {
      name: 'dynamic',
      dims: {
        ...cacheDims(2, 2, 40, 1),
        tokens: 40,
        heads: 2,
        kvHeads: 2,
        headDim: 128,
        variants: 1,
        half: 64,
      },
      attributes: { ...ropeAttributes(128, { dynamicFactor: 4, dynamicLength: 100 }), eps: 1e-5 },
      without: ['variant'],
    },
  ]),
  // A step of f8, where the rotated key lies on the border of two.
  tolerance: { f32: 1e-4, f16: 4e-3, bf16: 2e-2, f8: 0.125 },
  makeInputs: (opCase, random) => {
    const { tokenSlot, positions, pageTable } = stepSequences(opCase.dims, random)
    return { ...ropeInputs(opCase, random), tokenSlot, positions, pageTable }
  },
})
