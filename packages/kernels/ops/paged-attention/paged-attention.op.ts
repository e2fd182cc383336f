import { defineOp, f32, i32, like, optional, state, tensor } from '../../src/define-op.js'
import { cacheDims, eachCache, stepSequences } from '../../src/op-cases.js'

export const pagedAttention = defineOp({
  name: 'paged-attention',
  summary:
    'causal softmax(scale * q k^T) v over the pages of each sequence; query i of sequence s is at position context[s] - (start[s + 1] - start[s]) + i; window > 0 keeps the last window positions, the current one included; softcap > 0 makes a score softcap * tanh(score / softcap); sinks[head] is one more score in the sum that weights are divided by, with no value; keys and values of an f8 cache count keyScale and valueScale times what is stored',
  inputs: {
    q: tensor('tokens', 'heads', 'headDim'),
    seqSlot: i32('seqs'),
    seqStart: i32('seqsPlusOne'),
    seqContext: i32('seqs'),
    pageTable: state('i32', 'slots', 'maxPages'),
    cache: state('cache', 'pages', 2, 'kvHeads', 'pageTokens', 'headDim'),
    sinks: optional(f32('heads')),
  },
  outputs: { y: like('q', 'tokens', 'heads', 'headDim') },
  attributes: { scale: 'f32', window: 'i32', softcap: 'f32', keyScale: 'factor', valueScale: 'factor' },
  // Queries of a prompt see half of each other. Keys and values are read once for all heads and queries of a sequence.
  cost: ({ tokens, seqs, heads, kvHeads, headDim, context = 0 }, size, cacheSize = size) => ({
    bytes: 2 * tokens! * heads! * headDim! * size + 2 * seqs! * context * kvHeads! * headDim! * cacheSize,
    flops: 4 * tokens! * heads! * headDim! * (context - (tokens! / seqs! - 1) / 2),
  }),
  cases: eachCache([
    {
      name: 'one query',
      dims: { ...cacheDims(1, 1, 1, 0), tokens: 1, heads: 1, kvHeads: 1, headDim: 16 },
      attributes: { scale: 0.25, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode of 7, 4 heads a kv head',
      dims: { ...cacheDims(7, 9, 5, 3), tokens: 7, heads: 8, kvHeads: 2, headDim: 64 },
      attributes: { scale: 0.125, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'chunks of 3, head size 128',
      dims: { ...cacheDims(3, 3, 6, 0), tokens: 150, heads: 4, kvHeads: 4, headDim: 128 },
      attributes: { scale: 128 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'window 40, odd sizes',
      dims: { ...cacheDims(4, 6, 4, 2), tokens: 77, heads: 6, kvHeads: 2, headDim: 20 },
      attributes: { scale: 20 ** -0.5, window: 40, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'one kv head, window 1',
      dims: { ...cacheDims(2, 2, 3, 0), tokens: 35, heads: 5, kvHeads: 1, headDim: 80 },
      attributes: { scale: 80 ** -0.5, window: 1, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'softcap 2, window 50',
      dims: { ...cacheDims(3, 4, 4, 1), tokens: 60, heads: 4, kvHeads: 2, headDim: 64 },
      attributes: { scale: 1, window: 50, softcap: 2 },
      without: ['sinks'],
    },
    {
      name: 'sequences without queries',
      dims: { ...cacheDims(12, 12, 2, 0), tokens: 5, heads: 2, kvHeads: 1, headDim: 32 },
      attributes: { scale: 32 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'long decode of 3',
      dims: { ...cacheDims(3, 4, 40, 1), tokens: 3, heads: 8, kvHeads: 2, headDim: 128 },
      attributes: { scale: 128 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'long decode of 5, window 700, softcap 1',
      dims: { ...cacheDims(5, 5, 40, 0), tokens: 5, heads: 4, kvHeads: 4, headDim: 40 },
      attributes: { scale: 1, window: 700, softcap: 1 },
      without: ['sinks'],
    },
    {
      name: 'long decode of 5 over 16 kv heads',
      dims: { ...cacheDims(5, 5, 36, 0), tokens: 5, heads: 16, kvHeads: 16, headDim: 8 },
      attributes: { scale: 8 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode and chunks together',
      dims: { ...cacheDims(9, 9, 20, 0), tokens: 24, heads: 8, kvHeads: 2, headDim: 80 },
      attributes: { scale: 80 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: '20 heads a kv head',
      dims: { ...cacheDims(4, 4, 10, 0), tokens: 4, heads: 20, kvHeads: 1, headDim: 64 },
      attributes: { scale: 0.125, window: 300, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode and chunks of 300 sequences',
      dims: { ...cacheDims(300, 300, 1, 0), tokens: 500, heads: 2, kvHeads: 1, headDim: 64 },
      attributes: { scale: 0.125, window: 20, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode of 1,100 sequences',
      dims: { ...cacheDims(1100, 1100, 1, 0), tokens: 1100, heads: 1, kvHeads: 1, headDim: 8 },
      attributes: { scale: 8 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode of 40, several splits a block',
      dims: { ...cacheDims(40, 41, 20, 0), tokens: 40, heads: 8, kvHeads: 4, headDim: 64 },
      attributes: { scale: 0.125, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode and chunks of 6, 7 heads a kv head',
      dims: { ...cacheDims(6, 6, 14, 1), tokens: 333, heads: 14, kvHeads: 2, headDim: 128 },
      attributes: { scale: 128 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'chunks of 2, head size 256, window 65',
      dims: { ...cacheDims(2, 2, 7, 0), tokens: 140, heads: 4, kvHeads: 1, headDim: 256 },
      attributes: { scale: 0.0625, window: 65, softcap: 0 },
    },
    {
      name: 'sinks, decode of 5',
      dims: { ...cacheDims(5, 6, 20, 0), tokens: 5, heads: 8, kvHeads: 2, headDim: 64 },
      attributes: { scale: 0.125, window: 0, softcap: 0 },
    },
    {
      name: 'sinks, chunks of 4, window 30',
      dims: { ...cacheDims(4, 4, 5, 0), tokens: 90, heads: 8, kvHeads: 1, headDim: 64 },
      attributes: { scale: 0.125, window: 30, softcap: 0 },
    },
    {
      name: 'sinks, odd sizes',
      dims: { ...cacheDims(3, 4, 4, 1), tokens: 20, heads: 6, kvHeads: 2, headDim: 20 },
      attributes: { scale: 20 ** -0.5, window: 0, softcap: 3 },
    },
    {
      name: 'decode of 6, head size 256',
      dims: { ...cacheDims(6, 6, 10, 0), tokens: 6, heads: 4, kvHeads: 2, headDim: 256 },
      attributes: { scale: 0.0625, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'decode of 90, every length up to 640',
      dims: { ...cacheDims(90, 90, 20, 0), tokens: 90, heads: 8, kvHeads: 2, headDim: 128 },
      attributes: { scale: 128 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
    {
      name: 'sinks, chunks of 5 over 1,900 positions',
      dims: { ...cacheDims(5, 5, 60, 0), tokens: 150, heads: 6, kvHeads: 2, headDim: 64 },
      attributes: { scale: 0.125, window: 0, softcap: 0 },
    },
    {
      name: 'chunks of 3 over 1,900 positions, head size 128',
      dims: { ...cacheDims(3, 3, 60, 0), tokens: 130, heads: 8, kvHeads: 1, headDim: 128 },
      attributes: { scale: 128 ** -0.5, window: 0, softcap: 0 },
      without: ['sinks'],
    },
  ]),
  // Kernels may round queries and weights to f8 where the cache is f8.
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 2e-2, f8: 6e-2 },
  makeInputs: ({ dims }, random) => {
    const { seqSlot, seqStart, seqContext, pageTable } = stepSequences(dims, random)
    return { seqSlot, seqStart, seqContext, pageTable }
  },
})
