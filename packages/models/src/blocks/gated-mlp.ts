import type { Scope, Value } from '@trtllm/graph'
import { linear, mul, silu } from '@trtllm/graph/layers'

export interface GatedMlpSizes {
  readonly hiddenSize: number
  readonly intermediateSize: number
}

export interface GatedMlpOptions {
  readonly bias?: boolean
  /** Of the gate. Default silu. */
  readonly activation?: (m: Scope, x: Value) => Value
}

/** down(activation(gate(x)) * up(x)). */
export function gatedMlp(m: Scope, c: GatedMlpSizes, x: Value, options: GatedMlpOptions = {}): Value {
  const { bias = false, activation = silu } = options
  const gate = linear(m.at('gate_proj'), x, c.intermediateSize, { split: 'out', bias })
  const up = linear(m.at('up_proj'), x, c.intermediateSize, { split: 'out', bias })
  return linear(m.at('down_proj'), mul(m, activation(m, gate), up), c.hiddenSize, { split: 'in', bias })
}
