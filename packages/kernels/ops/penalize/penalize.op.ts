import { defineOp, f32, i32, state } from '../../src/define-op.js'
import { penalizeInputs } from '../../src/sampling-cases.js'
import { listWordsPerSlot } from '../../src/sampling-words.js'

/*
 * With t = slotTokens[slot, 0..rowPosition] and outputs = those at positions >= promptLength:
 * - each distinct id of t: logit = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
 * - each distinct id of the outputs: logit -= frequencyPenalty * count + presencePenalty;
 * - logit[biasIds[i]] += biasValues[i] (ids are distinct);
 * - a bad word of one id masks it; a longer one masks its last id when t ends with the ids before it;
 * - while (number of outputs) < minTokens the end ids are masked. Masked = -inf.
 * Ids outside the vocabulary are skipped; a slot out of range leaves the row as it is.
 */
export const penalize = defineOp({
  name: 'penalize',
  summary:
    'logits after, in this order: repetition penalty (prompt and output), frequency and presence penalties (output), logit bias, bad words, end ids masked before minTokens; values are those of the slot sampling record',
  inputs: {
    logits: f32('rows', 'vocab'),
    rowSlot: i32('rows'),
    rowPosition: i32('rows'),
    slotTokens: state('i32', 'slots', 'length'),
    sampling: state('i32', 'slots', 'samplingWords'),
    lists: state('i32', 'slots', 'listWords'),
  },
  outputs: { processed: { dims: ['rows', 'vocab'], dtype: 'f32' } },
  attributes: {},
  cost: ({ rows, vocab }) => ({ bytes: 8 * rows! * vocab!, flops: 0 }),
  cases: [
    {
      name: 'one row',
      dims: { rows: 1, vocab: 11, slots: 1, length: 5, samplingWords: 16, listWords: listWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'small vocabulary',
      dims: { rows: 12, vocab: 50, slots: 13, length: 65, samplingWords: 16, listWords: listWordsPerSlot },
      dtype: 'f32',
    },
    {
      name: 'large vocabulary',
      dims: { rows: 20, vocab: 4099, slots: 20, length: 300, samplingWords: 16, listWords: listWordsPerSlot },
      dtype: 'f32',
    },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: penalizeInputs,
})
