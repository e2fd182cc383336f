import { defineOp, f32, i32, state, updated } from '../../src/define-op.js'
import { sampleInputs } from '../../src/sampling-cases.js'
import { samplingWordsPerSlot } from '../../src/sampling-words.js'

/*
 * Exact meaning, the same on every backend:
 * - The row's logits are those of `processed` where the record says `processes`, else of `logits`.
 * - A row with a NaN logit, or with +inf as its largest, has nothing to choose by: it gives -1 and appends id 0, which
 *   keeps the steps enqueued behind it inside the vocabulary until the host ends the sequence.
 * - The best id is the lowest id with the largest logit (id 0 when all are -inf).
 * - Greedy when temperature = 0, topK = 1, topP = 0, or the largest logit is -inf: the best id.
 * - Else w[i] = exp((logit[i] - best) / temperature). min_p keeps w[i] >= minP. top_k keeps the k largest of those;
 *   top_p keeps the smallest prefix of those, best first, whose mass is >= p * (mass of what top_k left).
 *   Equal logits go by id, lowest first.
 * - p = topP at first and right after an output topPResetId; each output since then, topPDecay < 1 given, makes it
 *   max(topPMin, p * topPDecay) (Lee et al., "Factuality enhanced language models", 2022; f64, one product an output).
 * - u = (word 0 of Philox4x32-10 >> 8) * 2^-24 with key (seedLow, seedHigh) and counter (output index, 0, 0, 0), where
 *   output index = rowPosition - promptLength + 1 counts the outputs already made.
 * - Inversion in id order: the first kept id whose running mass exceeds u * (kept mass); else the last kept id.
 * - A row with another task than to sample, or with a slot out of range, gives -1 and appends nothing. The new id goes to
 *   slotTokens[slot, rowPosition + 1] where that is inside the row.
 */
export const sample = defineOp({
  name: 'sample',
  summary:
    'draws one id a row whose task is to sample and appends it to the slot: greedy at temperature 0, else softmax(logits / temperature) cut by min_p, top_k, top_p and inverted at one Philox4x32-10 uniform (key = seed, counter = output index); other rows give -1',
  inputs: {
    logits: f32('rows', 'vocab'),
    processed: f32('rows', 'vocab'),
    rowSlot: i32('rows'),
    rowPosition: i32('rows'),
    rowSample: i32('rows'),
    sampling: state('i32', 'slots', 'samplingWords'),
    slotTokens: state('i32', 'slots', 'length'),
  },
  outputs: { token: { dims: ['rows'], dtype: 'i32' }, slotTokens: updated('slotTokens', 'slots', 'length') },
  attributes: {},
  cost: ({ rows, vocab }) => ({ bytes: 4 * rows! * vocab!, flops: 0 }),
  cases: [
    {
      name: 'one id',
      dims: { rows: 1, vocab: 1, slots: 1, length: 4, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'small vocabulary',
      dims: { rows: 48, vocab: 37, slots: 48, length: 65, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'large vocabulary',
      dims: { rows: 32, vocab: 32_003, slots: 40, length: 33, samplingWords: samplingWordsPerSlot },
      dtype: 'f32',
    },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: sampleInputs,
})
