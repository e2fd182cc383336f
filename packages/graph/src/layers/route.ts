import { ops, routeScoring } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

export interface RouteOptions {
  /** Experts that each token goes to. */
  readonly chosen: number
  /** What makes a score of a logit: softmax over all experts, or each by itself. */
  readonly scoring: keyof typeof routeScoring
  /** Divide the chosen scores by their sum. With softmax that is the softmax over the chosen alone. Default no. */
  readonly renormalize?: boolean
  /** Factor of the weights. Default 1. */
  readonly factor?: number
  /** Name of a weight [experts] that is added to the scores for the choice, not for the weights. */
  readonly choiceBias?: string
  /** The choice is among the members of the best groups; a group counts what its `best` largest members sum to. */
  readonly groups?: { readonly count: number; readonly chosen: number; readonly best: number } | undefined
}

/** Which experts the tokens of a step go to, for `expertLinear` and `combineExperts`. */
export interface Routed {
  readonly numExperts: number
  readonly chosen: number
  /** f32[tokens, chosen], best first. */
  readonly weights: Value
  /** Row of each pair in the order of experts, i32[tokens, chosen]. */
  readonly place: Value
  /** Pairs (token * chosen + j) in that order, and where each expert's begin, i32[tokens * chosen] and i32[experts + 1]. */
  readonly order: Value
  readonly offsets: Value
}

/** Chooses experts by their logits f32[tokens, experts]. */
export function route(m: Scope, logits: Value, options: RouteOptions): Routed {
  const { chosen, scoring, renormalize = false, factor = 1, choiceBias, groups } = options
  const numExperts = logits.rowWidth
  const attributes = {
    chosen,
    scoring: routeScoring[scoring],
    groups: groups?.count ?? 1,
    chosenGroups: groups?.chosen ?? 1,
    groupBest: groups?.best ?? 1,
    renormalize: renormalize ? 1 : 0,
    factor,
  }
  const bias = choiceBias === undefined ? undefined : biasOf(m, choiceBias, numExperts)
  const { weights, place, order, offsets } = m.call(ops.route, { logits, bias }, attributes)
  return { numExperts, chosen, weights, place, order, offsets }
}

function biasOf(m: Scope, name: string, rows: number): Value {
  const source = { name: m.at(name).path, rows, columns: 1 }
  return m.param(name, { kind: 'vector', rows, columns: 1, source, precise: true })
}
