import { defineOp, f32, i32, state } from '../../src/define-op.js'
import { penalizeInputs } from '../../src/sampling-cases.js'
import { listWordsPerSlot, samplingWordsPerSlot } from '../../src/sampling-words.js'

/*
 * Only rows whose task is to sample or to list candidates, and whose record says `processes`; the other rows of
 * `processed` are left as they are. With t = slotTokens[slot, 0..rowPosition], n = noRepeatNgramSize, counted = the
 * tokens of t at positions >= promptIgnoreLength, outputs = those at positions >= promptLength, in this order:
 * 0. a row of candidates starts from log probabilities: logit -= log(sum(exp(logits)));
 * 1. logit[biasIds[i]] += biasValues[i] (ids are distinct);
 * 2. each distinct id of counted: logit = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
 * 3. each distinct id of the outputs: logit -= frequencyPenalty * count + presencePenalty;
 * 4. each id that would complete n ids in a row which t already has is masked;
 * 5. a bad word of one id masks it; a longer one masks its last id when t ends with the ids before it;
 * 6. while (number of outputs) < minTokens the end ids are masked. Masked = -inf.
 * Ids outside the vocabulary are skipped.
 */
export const penalize = defineOp({
  name: 'penalize',
  summary:
    'logits after, in this order: logit bias, repetition penalty (prompt and output), frequency and presence penalties (output), repeated n-grams, bad words, end ids masked before minTokens; values are those of the slot sampling record; rows that ask for nothing are not written',
  inputs: {
    logits: f32('rows', 'vocab'),
    rowSlot: i32('rows'),
    rowPosition: i32('rows'),
    rowSample: i32('rows'),
    slotTokens: state('i32', 'slots', 'length'),
    sampling: state('i32', 'slots', 'samplingWords'),
    lists: state('i32', 'slots', 'listWords'),
  },
  outputs: { processed: { dims: ['rows', 'vocab'], dtype: 'f32' } },
  attributes: {},
  cost: ({ vocab, rows, askedRows = rows }) => ({ bytes: 8 * askedRows! * vocab!, flops: 0 }),
  cases: [
    {
      name: 'one row',
      dims: {
        rows: 1,
        vocab: 11,
        slots: 1,
        length: 5,
        samplingWords: samplingWordsPerSlot,
        listWords: listWordsPerSlot,
      },
      dtype: 'f32',
    },
    {
      name: 'small vocabulary',
      dims: {
        rows: 12,
        vocab: 50,
        slots: 13,
        length: 65,
        samplingWords: samplingWordsPerSlot,
        listWords: listWordsPerSlot,
      },
      dtype: 'f32',
    },
    {
      name: 'large vocabulary',
      dims: {
        rows: 20,
        vocab: 4099,
        slots: 20,
        length: 300,
        samplingWords: samplingWordsPerSlot,
        listWords: listWordsPerSlot,
      },
      dtype: 'f32',
    },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs: penalizeInputs,
})
