import { defineOp, f32, i32, like, optional, state, tensor, updated } from '../../src/define-op.js'
import { cacheDims, eachFloat, ropeAttributes, ropeInputs, stepSequences } from '../../src/op-cases.js'

export const normRopeLatentWrite = defineOp({
  name: 'norm-rope-latent-write',
  summary:
    'rms-norm of the latent, rope of the position parts of queries and key, then latent-write, in one pass',
  inputs: {
    qPe: tensor('tokens', 'heads', 'ropeDim'),
    latent: tensor('tokens', 'rank'),
    pe: tensor('tokens', 1, 'ropeDim'),
    weight: f32('rank'),
    positions: i32('tokens'),
    inverseFrequencies: f32('variants', 'half'),
    variant: optional(i32('tokens')),
    tokenSlot: i32('tokens'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('float', 'pages', 'pageTokens', 'width'),
  },
  outputs: {
    qPe: like('qPe', 'tokens', 'heads', 'ropeDim'),
    cache: updated('cache', 'pages', 'pageTokens', 'width'),
  },
  attributes: {
    rotaryDim: 'i32',
    interleaved: 'i32',
    attentionFactor: 'f32',
    dynamicFactor: 'f32',
    dynamicLength: 'i32',
    base: 'f32',
    eps: 'f32',
  },
  cost: (d, size) => ({
    bytes: 2 * d.tokens! * (d.heads! * d.ropeDim! + d.width!) * size,
    flops: 3 * d.tokens! * (d.heads! * d.ropeDim! + d.width!),
  }),
  cases: eachFloat([
    {
      name: '1 token',
      dims: {
        ...cacheDims(1, 1, 1, 0),
        ...{ tokens: 1, heads: 1, rank: 16, ropeDim: 8, width: 24, variants: 1, half: 4 },
      },
      attributes: ropeAttributes(8, { eps: 1e-6 }),
      without: ['variant'],
    },
    {
      name: 'interleaved, 16 heads',
      dims: {
        ...cacheDims(3, 4, 3, 2),
        ...{ tokens: 50, heads: 16, rank: 512, ropeDim: 64, width: 576, variants: 1, half: 32 },
      },
      attributes: ropeAttributes(64, { interleaved: 1, eps: 1e-6 }),
      without: ['variant'],
    },
    {
      name: 'odd sizes, variants, a factor',
      dims: {
        ...cacheDims(2, 2, 4, 0),
        ...{ tokens: 31, heads: 3, rank: 37, ropeDim: 10, width: 47, variants: 2, half: 5 },
      },
      attributes: ropeAttributes(10, { interleaved: 1, attentionFactor: 1.19, eps: 1e-5 }),
    },
  ]),
  tolerance: { f32: 1e-4, f16: 4e-3, bf16: 2e-2 },
  makeInputs: (opCase, random) => {
    const { tokenSlot, positions, pageTable } = stepSequences(opCase.dims, random)
    return { ...ropeInputs(opCase, random), tokenSlot, positions, pageTable }
  },
})
