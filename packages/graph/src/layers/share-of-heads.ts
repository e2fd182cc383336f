import { Dim } from '../dim.js'
import { headShareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import { type Value, viewOf } from '../value.js'
import type { Heads } from './heads.js'

/** This rank's heads of a value that every rank has whole: [tokens, count * size] -> [tokens, heads, size]. */
export function shareOfHeads(m: Scope, x: Value, { count, size }: Heads): Value {
  const share = headShareOf(m.recorder.mesh, count, m.path)
  const shape = [x.shape[0]!, Dim.of(share.count), Dim.of(size)]
  return viewOf(x, share.from * size, shape, { copies: share.copies })
}
