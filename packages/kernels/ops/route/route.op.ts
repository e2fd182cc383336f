import { defineOp, f32, i32, optional } from '../../src/define-op.js'
import { integers, shuffled } from '../../src/op-cases.js'

/** Values of `scoring`. */
export const routeScoring = { softmax: 0, sigmoid: 1 } as const

/*
 * Exact meaning, the same on every backend:
 * - score = softmax(logits) over all experts, or sigmoid(logit).
 * - The choice goes by score + bias; without bias and groups it goes by the logits, which order alike and never tie where
 *   scores have reached 0 or 1. A NaN is below all. Equal ones go by number, lowest first.
 * - With groups > 1 the experts are cut into as many runs. A group's mark is the sum of the `groupBest` largest of its
 *   members' score + bias; only the `chosenGroups` groups of the largest marks take part.
 * - weights = the scores (without bias) of the chosen, best first; with renormalize divided by their sum + 1e-20; times
 *   factor. Softmax and renormalize together are the softmax over the chosen alone.
 * - A pair is one of a token's chosen experts: pair t * chosen + j. `order` are the pairs by expert, equal ones by number;
 *   expert e has the places offsets[e] to offsets[e + 1] - 1 in it, and pair order[p] has place p.
 */
export const route = defineOp({
  name: 'route',
  summary:
    'the `chosen` experts of each token by its logits, their weights, and the (token, expert) pairs in the order of experts',
  inputs: { logits: f32('tokens', 'experts'), bias: optional(f32('experts')) },
  outputs: {
    experts: i32('tokens', 'chosen'),
    weights: f32('tokens', 'chosen'),
    place: i32('tokens', 'chosen'),
    order: i32('tokens*chosen'),
    offsets: i32('experts+1'),
  },
  attributes: {
    chosen: 'i32',
    scoring: 'i32',
    groups: 'i32',
    chosenGroups: 'i32',
    groupBest: 'i32',
    renormalize: 'i32',
    factor: 'f32',
  },
  cost: ({ tokens, experts, chosen }) => ({ bytes: 4 * tokens! * (experts! + 4 * chosen!), flops: 0 }),
  cases: (
    [
      ['one expert', 1, 1, 1, {}],
      ['softmax, 2 of 8', 5, 8, 2, { renormalize: 1 }],
      ['softmax, 8 of 128', 70, 128, 8, {}],
      ['sigmoid, 1 of 16', 33, 16, 1, { scoring: 1 }],
      [
        'sigmoid with bias, 8 of 256 in 4 of 8 groups',
        41,
        256,
        8,
        grouped(1, 8, 4, 2, { renormalize: 1, factor: 2.5 }),
      ],
      ['softmax, 6 of 160 in 3 of 8 groups', 17, 160, 6, grouped(0, 8, 3, 1, { factor: 16 })],
      ['sigmoid with bias, 8 of 384', 3, 384, 8, { scoring: 1, renormalize: 1, factor: 2.827 }],
      ['all 33 of 33', 9, 33, 33, {}],
      ['4 of 32 and many tokens', 1500, 32, 4, { renormalize: 1 }],
    ] as const
  ).map(([name, tokens, experts, chosen, attributes]) => ({
    name,
    dims: { tokens, experts, chosen },
    dtype: 'f32' as const,
    attributes: {
      scoring: 0,
      groups: 1,
      chosenGroups: 1,
      groupBest: 1,
      renormalize: 0,
      factor: 1,
      ...attributes,
      chosen,
    },
    ...(name.includes('bias') ? {} : { without: ['bias'] }),
  })),
  tolerance: { f32: 1e-5, f16: 2e-3, bf16: 1.6e-2 },
  makeInputs({ dims: { tokens = 1, experts = 1 } }, random) {
    // Logits of a token are apart, so that no backend's rounding decides which is the larger.
    const logits = new Float32Array(tokens * experts)
    for (let t = 0; t < tokens; t++) {
      const spread = 12 / experts
      for (const [i, rank] of shuffled(experts, random).entries()) {
        logits[t * experts + i] = (rank - experts / 2 + 0.3 * random()) * spread
      }
    }
    return { logits, bias: Float32Array.from(integers(experts, 0, 32, random), (n) => n / 64) }
  },
})

function grouped(
  scoring: number,
  groups: number,
  chosenGroups: number,
  groupBest: number,
  others: Readonly<Record<string, number>>,
) {
  return { scoring, groups, chosenGroups, groupBest, ...others }
}
