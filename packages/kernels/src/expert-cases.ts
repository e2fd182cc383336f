import type { OpCase } from './define-op.js'
import { eachFloat, integers } from './op-cases.js'

/** Pairs of `tokens` with `chosen` of `experts` each, all at random, in the order of experts (see the op `route`). */
export function randomRoute(tokens: number, chosen: number, experts: number, random: () => number) {
  const chosenExperts = new Int32Array(tokens * chosen)
  for (let t = 0; t < tokens; t++) {
    const taken = new Set<number>()
    // A few experts get most of the tokens, as in real models.
    while (taken.size < chosen) {
      const [low] = integers(1, 0, 1 + Math.floor(random() * experts), random)
      taken.add(low ?? 0)
    }
    chosenExperts.set([...taken], t * chosen)
  }
  return orderedByExpert(chosenExperts, experts)
}

/** Order, places and offsets of the pairs of these experts. */
export function orderedByExpert(chosenExperts: Int32Array, experts: number) {
  const order = Int32Array.from({ length: chosenExperts.length }, (_, pair) => pair).sort(
    (a, b) => (chosenExperts[a] ?? 0) - (chosenExperts[b] ?? 0) || a - b,
  )
  const place = new Int32Array(order.length)
  for (const [p, pair] of order.entries()) place[pair] = p
  const offsets = new Int32Array(experts + 1)
  for (const expert of chosenExperts) offsets[expert + 1] = (offsets[expert + 1] ?? 0) + 1
  for (let e = 0; e < experts; e++) offsets[e + 1] = (offsets[e + 1] ?? 0) + (offsets[e] ?? 0)
  return { chosenExperts, order, place, offsets }
}

interface ExpertLinear {
  readonly tokens: number
  readonly chosen: number
  readonly experts: number
  readonly in: number
  readonly width: number
  readonly gate?: number
  /** x has a row for each pair. */
  readonly inOrder?: boolean
  readonly without?: readonly string[]
}

function expertCase(name: string, sizes: ExpertLinear): Omit<OpCase, 'dtype'> {
  const { tokens, chosen, experts, width, gate = 0, inOrder = false, without = ['bias', 'scale'] } = sizes
  const pairs = tokens * chosen
  const out = gate ? 2 * width : width
  return {
    name,
    dims: { tokens, chosen, experts, pairs, rows: inOrder ? pairs : tokens, in: sizes.in, out, width },
    attributes: { width, fanOut: inOrder ? 0 : chosen, gate, limit: 0.75, alpha: 1.702 },
    without,
  }
}

/** Cases of linears of experts, whatever their weights are kept in; `in` is a multiple of 32. */
export const expertLinearCases: readonly OpCase[] = eachFloat([
  expertCase('1x1', { tokens: 1, chosen: 1, experts: 1, in: 32, width: 1 }),
  expertCase('3x2 of 5', { tokens: 3, chosen: 2, experts: 5, in: 96, width: 24, without: ['scale'] }),
  expertCase('1x8 of 64', { tokens: 1, chosen: 8, experts: 64, in: 128, width: 40, inOrder: true }),
  expertCase('37x4 of 16 gated', { tokens: 37, chosen: 4, experts: 16, in: 160, width: 48, gate: 1 }),
  expertCase('20x1 of 3 scaled', { tokens: 20, chosen: 1, experts: 3, in: 64, width: 33, without: [] }),
  expertCase('11x2 of 4 gelu', {
    tokens: 11,
    chosen: 2,
    experts: 4,
    in: 64,
    width: 17,
    gate: 2,
    without: ['scale'],
  }),
  expertCase('9x4 of 32 clamped', {
    tokens: 9,
    chosen: 4,
    experts: 32,
    in: 96,
    width: 65,
    gate: 3,
    without: ['scale'],
  }),
  expertCase('300x2 of 4', { tokens: 300, chosen: 2, experts: 4, in: 256, width: 144, inOrder: true }),
  expertCase('90x3 of 8 gated', { tokens: 90, chosen: 3, experts: 8, in: 288, width: 136, gate: 1 }),
])

/** Weights of such a size that sums are around 1. */
export function expertLinearInputs({ dims }: OpCase, random: () => number) {
  const { tokens = 1, chosen = 1, experts = 1, in: columns = 1, out = 1 } = dims
  const { order, offsets } = randomRoute(tokens, chosen, experts, random)
  const size = 3 / Math.sqrt(columns)
  const weight = Float32Array.from({ length: experts * out * columns }, () => (2 * random() - 1) * size)
  return { weight, order, offsets }
}

/** At least the touched experts' weights are read once. */
export function expertLinearCost(d: Readonly<Record<string, number>>, size: number) {
  const touched = Math.min(d.experts!, d.pairs!)
  return {
    bytes: (d.rows! * d.in! + d.pairs! * d.width!) * size + touched * d.out! * d.in! * size,
    flops: 2 * d.pairs! * d.in! * d.out!,
  }
}
