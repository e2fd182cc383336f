import { expect, it } from 'vitest'
import { add, attention, heads, linear, silu } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { dropDead } from './drop-dead.js'

it('drops what nobody reads, and what only that read', () => {
  const graph = smallGraph((m, x) => {
    silu(m, silu(m, linear(m.at('unused'), x, 4)))
    return add(m, x, x)
  })
  const { before, after } = beforeAfter(graph, dropDead)
  expect(before).toBe(
    [
      '%3 = linear(%2, unused.weight, -) -> bf16[tokens,4]',
      '%4 = silu(%3) -> bf16[tokens,4]',
      '%5 = silu(%4) -> bf16[tokens,4]',
      '%6 = add(%2, %2) -> bf16[tokens,8]',
      'y = %6',
    ].join('\n'),
  )
  expect(after).toBe(['%3 = add(%2, %2) -> bf16[tokens,8]', 'y = %3'].join('\n'))
})

it('keeps a write to a cache, which the next step reads', () => {
  const graph = smallGraph((m, x) => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(m.at(name), x, heads(2, 4)))
    attention(m.at('attention'), q!, k!, v!, { scale: 0.5 })
    return x
  })
  const { after } = beforeAfter(graph, dropDead)
  expect(after).toContain('kv-write')
  expect(after).not.toContain('paged-attention')
  expect(after).not.toContain('q.weight')
})
