import { ops } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis: [tokens, width] -> the same. */
export function rmsNorm(m: Scope, x: Value, epsilon: number): Value {
  const rows = x.rowWidth
  const source = { name: m.at('weight').path, rows, columns: 1 }
  const weight = m.param('weight', { kind: 'vector', rows, columns: 1, source })
  return m.call(ops.rmsNorm, { x, weight }, { eps: epsilon }).y
}
