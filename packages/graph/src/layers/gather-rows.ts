import { ops } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import { flattened, type Value } from '../value.js'

/** Rows of x by index: x [tokens, width], index [rows] -> [rows, width]. */
export const gatherRows = (m: Scope, x: Value, index: Value): Value =>
  m.call(ops.gatherRows, { x: flattened(x), index }, {}).y
