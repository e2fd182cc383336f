import { defineOp, f32, i32, state } from '../../src/define-op.js'
import { concatWords, integers, samplingRecord } from '../../src/op-cases.js'

/*
 * A row does not ask when numLogprobs < 0 or its token is outside the vocabulary: it gives chosen 0, rank 0 and no
 * candidates. Rank = 1 + ids with a greater logit. Candidates come best first, equal logits by id; those beyond
 * min(numLogprobs, 20, vocab) have id -1 and value 0. A NaN logit counts as -inf.
 */
export const logprobs = defineOp({
  name: 'logprobs',
  summary:
    'log-softmax of the raw logits for rows whose slot asks: the chosen id, its rank (1 = best) and the best candidates',
  inputs: {
    logits: f32('rows', 'vocab'),
    token: i32('rows'),
    rowSlot: i32('rows'),
    sampling: state('i32', 'slots', 'samplingWords'),
  },
  outputs: {
    chosen: { dims: ['rows'], dtype: 'f32' },
    rank: { dims: ['rows'], dtype: 'i32' },
    topIds: { dims: ['rows', 20], dtype: 'i32' },
    topLogprobs: { dims: ['rows', 20], dtype: 'f32' },
  },
  attributes: {},
  cost: ({ rows, vocab }) => ({ bytes: 4 * rows! * vocab!, flops: 2 * rows! * vocab! }),
  cases: [
    { name: 'one id', dims: { rows: 1, vocab: 1, slots: 1, samplingWords: 16 }, dtype: 'f32' },
    { name: 'small vocabulary', dims: { rows: 7, vocab: 13, slots: 9, samplingWords: 16 }, dtype: 'f32' },
    { name: 'large vocabulary', dims: { rows: 5, vocab: 32_003, slots: 5, samplingWords: 16 }, dtype: 'f32' },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  // Slot i asks for 20, none, 0, 5, 20, ... candidates; token -1 is a row that was not sampled.
  makeInputs: ({ dims: { rows = 1, vocab = 1, slots = 1 } }, random) => ({
    logits: Float32Array.from({ length: rows * vocab }, () => 16 * random() - 8),
    token: integers(rows, rows === 1 ? 0 : -1, vocab, random),
    rowSlot: Int32Array.from({ length: rows }, (_, row) => row % slots),
    sampling: concatWords(
      Array.from({ length: slots }, (_, slot) =>
        samplingRecord({ numLogprobs: [20, -1, 0, 5][slot % 4] ?? 0 }),
      ),
    ),
  }),
})
