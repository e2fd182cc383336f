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

/** 1 / (1 + exp(-x)). */
export const sigmoid = (m: Scope, x: Value): Value =>
  shapedLike(x, m.call(ops.sigmoid, { x: flattened(x) }, {}).y)

/** g / (1 + exp(-alpha g)) * (u + 1), g being x of at most `limit` and u being y within -limit..limit. */
export const clampedSiluMul = (
  m: Scope,
  x: Value,
  y: Value,
  { limit, alpha }: { readonly limit: number; readonly alpha: number },
): Value =>
  shapedLike(x, m.call(ops.clampedSiluMul, { x: flattened(x), y: flattened(y) }, { limit, alpha }).z)

/** x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). */
export const geluTanh = (m: Scope, x: Value): Value =>
  shapedLike(x, m.call(ops.geluTanh, { x: flattened(x) }, {}).y)

/** x * factor. */
export const scale = (m: Scope, x: Value, factor: number): Value =>
  shapedLike(x, m.call(ops.scale, { x: flattened(x) }, { factor }).y)

/** Each row of x times its factor, f32[rows, 1]. */
export const scaleRows = (m: Scope, x: Value, factor: Value): Value =>
  shapedLike(x, m.call(ops.scaleRows, { x: flattened(x), factor }, {}).y)

/** cap * tanh(x / cap). */
export const softcap = (m: Scope, x: Value, cap: number): Value =>
  shapedLike(x, m.call(ops.softcap, { x: flattened(x) }, { cap }).y)

const shapedLike = (x: Value, y: Value): Value =>
  shapeText(x.shape) === shapeText(y.shape) ? y : viewOf(y, 0, x.shape)

/** Factors f32[tokens, 1] that grow with the position: 1 + strength * ln(1 + floor((position + 1) / stretch)). */
export const positionTemperature = (
  m: Scope,
  positions: Value,
  { strength, stretch }: { readonly strength: number; readonly stretch: number },
): Value => m.call(ops.positionTemperature, { positions }, { strength, stretch }).y
