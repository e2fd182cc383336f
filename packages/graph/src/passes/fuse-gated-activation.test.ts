import { expect, it } from 'vitest'
import { add, linear, mul, silu } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { fuseGatedActivation } from './fuse-gated-activation.js'

it('makes one op of silu(gate) * up, in either order', () => {
  const fused = [
    '%3 = linear(%2, gate.weight, -) -> bf16[tokens,8]',
    '%4 = silu-mul(%3, %2) -> bf16[tokens,8]',
    'y = %4',
  ].join('\n')
  for (const order of ['gate first', 'up first']) {
    const graph = smallGraph((m, x) => {
      const gate = silu(m, linear(m.at('gate'), x, 8))
      return order === 'gate first' ? mul(m, gate, x) : mul(m, x, gate)
    })
    const { before, after } = beforeAfter(graph, fuseGatedActivation)
    expect(before).toContain('%4 = silu(%3) -> bf16[tokens,8]')
    expect(before).toContain(order === 'gate first' ? 'mul(%4, %2)' : 'mul(%2, %4)')
    expect(after).toBe(fused)
  }
})

it('leaves an activation that others read', () => {
  const graph = smallGraph((m, x) => {
    const gate = silu(m, x)
    return add(m, gate, mul(m, gate, x))
  })
  const { before, after } = beforeAfter(graph, fuseGatedActivation)
  expect(after).toBe(before)
})

it('leaves the square of an activation', () => {
  const graph = smallGraph((m, x) => {
    const gate = silu(m, x)
    return mul(m, gate, gate)
  })
  const { before, after } = beforeAfter(graph, fuseGatedActivation)
  expect(after).toBe(before)
})
