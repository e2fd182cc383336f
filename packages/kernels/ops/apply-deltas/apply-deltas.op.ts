import { defineOp, i32, state, updated } from '../../src/define-op.js'
import { integers } from '../../src/op-cases.js'

export const applyDeltas = defineOp({
  name: 'apply-deltas',
  summary:
    'scatters the step deltas into the slot state: for each record (destination word, count, source word) state[destination + i] = data[source + i]',
  inputs: {
    deltas: i32('maxDeltas', 3),
    numDeltas: i32(1),
    data: i32('maxWords'),
    slots: state('i32', 'words'),
  },
  outputs: { slots: updated('slots', 'words') },
  attributes: {},
  cost: () => ({ bytes: 0, flops: 0 }),
  cases: [
    { name: 'none', dims: { maxDeltas: 1, maxWords: 1, words: 8 }, dtype: 'f32' },
    { name: 'seven records', dims: { maxDeltas: 9, maxWords: 200, words: 1000 }, dtype: 'f32' },
    { name: 'large', dims: { maxDeltas: 300, maxWords: 40_000, words: 100_000 }, dtype: 'f32' },
  ],
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  // Records write disjoint stretches: their order must not matter. Every third one is empty.
  makeInputs: ({ dims: { maxDeltas = 1, maxWords = 1, words = 1 } }, random) => {
    const count = maxDeltas === 1 ? 0 : maxDeltas - 2
    const deltas = new Int32Array(maxDeltas * 3).fill(-1)
    const stretch = Math.floor(words / Math.max(count, 1))
    for (let i = 0; i < count; i++) {
      const length = i % 3 === 2 ? 0 : Math.floor(random() * Math.min(stretch, maxWords)) + 1
      const from = Math.floor(random() * (maxWords - length + 1))
      deltas.set([i * stretch, length, from], i * 3)
    }
    return {
      deltas,
      numDeltas: Int32Array.of(count),
      data: integers(maxWords, -1_000_000, 1_000_000, random),
      slots: integers(words, 0, 100, random),
    }
  },
})
