import type { Scope, Value } from '@trtllm/graph'
import { heads, linear } from '@trtllm/graph/layers'

export interface AttentionSizes {
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
}

/** Queries, keys and values of x by heads: [tokens, heads, headDim]. */
export interface QueryKeyValue {
  readonly q: Value
  readonly k: Value
  readonly v: Value
}

/** The projections q_proj, k_proj and v_proj. */
export function queryKeyValue(m: Scope, c: AttentionSizes, x: Value, bias = false): QueryKeyValue {
  const project = (name: string, count: number): Value =>
    linear(m.at(name), x, heads(count, c.headDim), { split: 'out', bias })
  const q = project('q_proj', c.numHeads)
  const k = project('k_proj', c.numKvHeads)
  return { q, k, v: project('v_proj', c.numKvHeads) }
}
