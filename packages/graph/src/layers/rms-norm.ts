import { ops } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'
import { type NormWeight, normWeight } from './norm-weight.js'

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis: [tokens, width] -> the same. */
export function rmsNorm(m: Scope, x: Value, epsilon: number, options: NormWeight = {}): Value {
  const weight = normWeight(m, x.rowWidth, options)
  return m.call(ops.rmsNorm, { x, weight }, { eps: epsilon }).y
}
