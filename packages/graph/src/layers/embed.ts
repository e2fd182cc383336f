import { ops } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

/**
 * Rows of the table `weight` by id: [tokens] -> [tokens, width]. Every rank holds the whole table: a lookup reads one
 * row a token, so splitting it would save memory and cost an all-reduce.
 */
export function embed(m: Scope, ids: Value, vocabSize: number, width: number): Value {
  const source = { name: m.at('weight').path, rows: vocabSize, columns: width }
  const weight = m.param('weight', { kind: 'table', rows: vocabSize, columns: width, source })
  return m.call(ops.embed, { ids, weight }, {}).y
}
