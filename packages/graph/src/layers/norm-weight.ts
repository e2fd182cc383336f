import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

export interface NormWeight {
  /** Added to the checkpoint's weight: 1 where that is stored around zero. Default 0. */
  readonly weightPlus?: number
}

/**
 * The weight f32[width] of a norm. It is f32 in every model: a norm multiplies in f32, so a weight that is moved by 1
 * would else lose bits that its checkpoint has.
 */
export function normWeight(m: Scope, width: number, { weightPlus = 0 }: NormWeight = {}): Value {
  const plus = weightPlus === 0 ? {} : { plus: weightPlus }
  const source = { name: m.at('weight').path, rows: width, columns: 1, ...plus }
  return m.param('weight', { kind: 'vector', rows: width, columns: 1, source, precise: true })
}
