import { defineOp, f32, i32, state } from '../../src/define-op.js'
import { logprobsInputs } from '../../src/sampling-cases.js'
import { samplingWordsPerSlot } from '../../src/sampling-words.js'

/*
 * A row that samples tells of its token, numLogprobs candidates; one that scores of its target, numPromptLogprobs. A row
 * does not ask when that number is negative or the id is outside the vocabulary: it gives chosen 0, rank 0 and no
 * candidates. Both read the model's own logits. A row of candidates lists numCandidates, and no chosen id; their values
 * are log probabilities of `logits`, or those that penalize left in `processed` where the record says `processes`.
 * Rank = 1 + ids with a greater logit. Candidates come best first, equal logits by id; those beyond min(count, 20, vocab)
 * have id -1 and value 0. A NaN logit counts as -inf.
 */
export const logprobs = defineOp({
  name: 'logprobs',
  summary:
    'log-softmax of the raw logits for rows whose slot asks: the chosen or the target id, its rank (1 = best) and the best candidates',
  inputs: {
    logits: f32('rows', 'vocab'),
    processed: f32('rows', 'vocab'),
    token: i32('rows'),
    rowSlot: i32('rows'),
    rowSample: i32('rows'),
    rowTarget: i32('rows'),
    sampling: state('i32', 'slots', 'samplingWords'),
  },
  outputs: {
    chosen: { dims: ['rows'], dtype: 'f32' },
    rank: { dims: ['rows'], dtype: 'i32' },
    topIds: { dims: ['rows', 20], dtype: 'i32' },
    topLogprobs: { dims: ['rows', 20], dtype: 'f32' },
  },
  attributes: {},
  cost: ({ vocab, rows, askedRows = rows }) => ({
    bytes: 4 * askedRows! * vocab!,
    flops: 2 * askedRows! * vocab!,
  }),
  cases: [
    {
      name: 'one id',
      dims: { rows: 1, vocab: 1, slots: 1, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'small vocabulary',
      dims: { rows: 17, vocab: 13, slots: 9, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'large vocabulary',
      dims: { rows: 9, vocab: 32_003, slots: 9, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: logprobsInputs,
})
