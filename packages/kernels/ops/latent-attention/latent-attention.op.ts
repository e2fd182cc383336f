import { defineOp, i32, like, state, tensor } from '../../src/define-op.js'
import { cacheDims, eachFloat, stepSequences } from '../../src/op-cases.js'

/*
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434). A cached token is c = (latent [rank], pe [ropeDim]). Head h
 * has rows h * (nopeDim + valueDim) on of `weight`: K_h [nopeDim, rank] and below it V_h [valueDim, rank]. Its score of a
 * token is scale * (q . K_h latent + qPe . pe), its value V_h latent. Which side of q . (K_h latent) = (K_h^T q) . latent
 * a kernel computes is its own matter.
 */
const sizes = (heads: number, nopeDim: number, ropeDim: number, rank: number, valueDim: number) => ({
  ...{ heads, nopeDim, ropeDim, rank, width: rank + ropeDim },
  ...{ valueDim, weightRows: heads * (nopeDim + valueDim) },
})

/** Heads and queries a sequence that ask for each way of taking rows together, in the sizes that tensor cores have. */
const tensorCoreCases = [
  {
    name: 'one query of one long sequence, 16 heads',
    dims: { ...cacheDims(1, 1, 70, 0), tokens: 1, ...sizes(16, 64, 64, 512, 64) },
    attributes: { scale: 0.03, valueDim: 64 },
  },
  {
    name: 'a chunk of one sequence, 16 heads',
    dims: { ...cacheDims(1, 1, 6, 2), tokens: 75, ...sizes(16, 32, 64, 512, 40) },
    attributes: { scale: 0.03, valueDim: 40 },
  },
  {
    name: 'ragged decode of 13, 32 heads, some without a query',
    dims: { ...cacheDims(13, 15, 9, 0), tokens: 8, ...sizes(32, 32, 64, 512, 32) },
    attributes: { scale: 0.03, valueDim: 32 },
  },
  {
    name: 'single queries and several of 37, 16 heads',
    dims: { ...cacheDims(37, 37, 3, 1), tokens: 55, ...sizes(16, 32, 64, 512, 32) },
    attributes: { scale: 0.03, valueDim: 32 },
  },
  {
    name: 'ragged decode of 9, 64 heads',
    dims: { ...cacheDims(9, 9, 7, 0), tokens: 9, ...sizes(64, 32, 64, 512, 32) },
    attributes: { scale: 0.03, valueDim: 32 },
  },
  {
    name: 'single queries and several of 6, 128 heads',
    dims: { ...cacheDims(6, 7, 5, 0), tokens: 10, ...sizes(128, 32, 64, 512, 32) },
    attributes: { scale: 0.03, valueDim: 32 },
  },
]

export const latentAttention = defineOp({
  name: 'latent-attention',
  summary:
    'causal softmax(scale * (q K latent + qPe pe)) V latent over the latent pages of each sequence, with K and V of each head from the rows of weight; query i of sequence s is at position context[s] - (start[s + 1] - start[s]) + i',
  inputs: {
    q: tensor('tokens', 'heads', 'nopeDim'),
    qPe: tensor('tokens', 'heads', 'ropeDim'),
    weight: tensor('weightRows', 'rank'),
    seqSlot: i32('seqs'),
    seqStart: i32('seqsPlusOne'),
    seqContext: i32('seqs'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('float', 'pages', 'pageTokens', 'width'),
  },
  outputs: { y: like('q', 'tokens', 'heads', 'valueDim') },
  attributes: { scale: 'f32', valueDim: 'i32' },
  // Absorbed: each token takes its queries and values through the weight, and scores and adds up latents.
  cost: ({ context = 0, ...d }, size) => ({
    bytes:
      (d.weightRows! * d.rank! + d.tokens! * d.heads! * (d.nopeDim! + d.ropeDim! + d.valueDim!)) * size +
      d.seqs! * context * d.width! * size,
    flops:
      2 * d.tokens! * d.weightRows! * d.rank! +
      2 * d.tokens! * d.heads! * (d.width! + d.rank!) * (context - (d.tokens! / d.seqs! - 1) / 2),
  }),
  cases: eachFloat([
    {
      name: 'one query',
      dims: { ...cacheDims(1, 1, 1, 0), tokens: 1, ...sizes(1, 16, 8, 32, 16) },
      attributes: { scale: 0.2, valueDim: 16 },
    },
    {
      name: 'decode of 7, 4 heads',
      dims: { ...cacheDims(7, 9, 5, 3), tokens: 7, ...sizes(4, 32, 32, 128, 64) },
      attributes: { scale: 0.125, valueDim: 64 },
    },
    {
      name: 'chunks of 3, 4 heads',
      dims: { ...cacheDims(3, 3, 6, 0), tokens: 150, ...sizes(4, 32, 32, 128, 64) },
      attributes: { scale: 0.125, valueDim: 64 },
    },
    {
      name: 'odd sizes',
      dims: { ...cacheDims(4, 6, 4, 2), tokens: 41, ...sizes(3, 12, 6, 37, 20) },
      attributes: { scale: 0.25, valueDim: 20 },
    },
    {
      name: 'sequences without queries',
      dims: { ...cacheDims(12, 12, 2, 0), tokens: 5, ...sizes(2, 16, 8, 64, 16) },
      attributes: { scale: 0.2, valueDim: 16 },
    },
    {
      name: 'decode of 5, 16 heads of DeepSeek-V3',
      dims: { ...cacheDims(5, 5, 12, 0), tokens: 5, ...sizes(16, 128, 64, 512, 128) },
      attributes: { scale: 192 ** -0.5 / 4, valueDim: 128 },
    },
    {
      name: 'decode of 2, 128 heads',
      dims: { ...cacheDims(2, 3, 20, 0), tokens: 2, ...sizes(128, 32, 64, 512, 32) },
      attributes: { scale: 0.03, valueDim: 32 },
    },
    {
      name: 'decode and chunks of 6, 8 heads of DeepSeek-V3',
      dims: { ...cacheDims(6, 6, 4, 0), tokens: 70, ...sizes(8, 128, 64, 512, 128) },
      attributes: { scale: 192 ** -0.5 / 4, valueDim: 128 },
    },
    {
      name: 'long decode of 3, 20 heads of DeepSeek-V2',
      dims: { ...cacheDims(3, 4, 40, 1), tokens: 3, ...sizes(20, 128, 64, 512, 128) },
      attributes: { scale: 192 ** -0.5 / 4, valueDim: 128 },
    },
  ]).concat(eachFloat(tensorCoreCases).filter(({ dtype }) => dtype !== 'f32')),
  tolerance: { f32: 5e-5, f16: 8e-3, bf16: 4e-2 },
  makeInputs: ({ dims }, random) => {
    const { seqSlot, seqStart, seqContext, pageTable } = stepSequences(dims, random)
    return { seqSlot, seqStart, seqContext, pageTable }
  },
})
