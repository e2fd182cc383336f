import { defineOp, i32, like, weight } from '../../src/define-op.js'
import { eachFloat, integers } from '../../src/op-cases.js'

export const embed = defineOp({
  name: 'embed',
  summary: 'y[t] = weight[ids[t]]; a row outside the vocabulary is zero',
  inputs: { ids: i32('tokens'), weight: weight('vocab', 'dim') },
  outputs: { y: like('weight', 'tokens', 'dim') },
  attributes: {},
  cost: ({ tokens, dim }, size) => ({ bytes: 2 * tokens! * dim! * size, flops: 0 }),
  cases: eachFloat([
    { name: '1 of 1', dims: { tokens: 1, vocab: 1, dim: 1 } },
    { name: '9 of 33x17', dims: { tokens: 9, vocab: 33, dim: 17 } },
    { name: '70 of 1000x384', dims: { tokens: 70, vocab: 1000, dim: 384 } },
  ]),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  // Ids reach two beyond the vocabulary on both sides, except where there is only one token.
  makeInputs: ({ dims: { tokens = 1, vocab = 1 } }, random) => ({
    ids: tokens === 1 ? Int32Array.of(vocab - 1) : integers(tokens, -2, vocab + 2, random),
  }),
})
