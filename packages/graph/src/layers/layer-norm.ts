import { ops } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'
import { normWeight } from './norm-weight.js'

/** (x - mean(x)) / sqrt(variance(x) + epsilon) * weight over the last axis, no bias: [tokens, width] -> the same. */
export function layerNorm(m: Scope, x: Value, epsilon: number): Value {
  const weight = normWeight(m, x.rowWidth)
  return m.call(ops.layerNorm, { x, weight, bias: undefined }, { eps: epsilon }).y
}
