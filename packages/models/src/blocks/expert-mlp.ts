import type { Scope, Value } from '@trtllm/graph'
import { combineExperts, expertLinear, mul, type Routed, silu } from '@trtllm/graph/layers'

export interface ExpertMlpSizes {
  readonly hiddenSize: number
  /** Width of one expert. */
  readonly expertSize: number
}

/** What the three linears of an expert are called in a checkpoint. */
export interface ExpertNames {
  readonly gate: string
  readonly up: string
  readonly down: string
}

const usualNames: ExpertNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' }

/**
 * The gated MLP of each chosen expert, summed by the weights of the router: [tokens, hidden] -> the same. `{e}` in the path
 * of `m` stands for the number of an expert.
 */
export function expertMlp(
  m: Scope,
  c: ExpertMlpSizes,
  x: Value,
  routed: Routed,
  { gate, up, down }: ExpertNames = usualNames,
): Value {
  const gated = silu(m, expertLinear(m.at(gate), x, routed, c.expertSize, { split: 'out' }))
  const hidden = mul(m, gated, expertLinear(m.at(up), x, routed, c.expertSize, { split: 'out' }))
  const y = expertLinear(m.at(down), hidden, routed, c.hiddenSize, { of: 'pairs', split: 'in' })
  return combineExperts(m, y, routed, { split: 'in' })
}
