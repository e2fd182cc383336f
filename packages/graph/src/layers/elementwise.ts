import { ops } from '@trtllm/kernels'
import { shapeText } from '../dim.js'
import type { Scope } from '../scope.js'
import { flattened, type Value, viewOf } from '../value.js'

/** x + y, of equal shapes. */
export const add = (m: Scope, x: Value, y: Value): Value =>
  shapedLike(x, m.call(ops.add, { x: flattened(x), y: flattened(y) }, {}).z)

/** x * y element by element, of equal shapes. */
export const mul = (m: Scope, x: Value, y: Value): Value =>
  shapedLike(x, m.call(ops.mul, { x: flattened(x), y: flattened(y) }, {}).z)

/** x / (1 + exp(-x)). */
export const silu = (m: Scope, x: Value): Value => shapedLike(x, m.call(ops.silu, { x: flattened(x) }, {}).y)

const shapedLike = (x: Value, y: Value): Value =>
  shapeText(x.shape) === shapeText(y.shape) ? y : viewOf(y, 0, x.shape)
