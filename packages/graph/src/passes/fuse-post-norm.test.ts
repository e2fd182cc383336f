import { expect, it } from 'vitest'
import { add, rmsNorm, silu } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { fusePostNorm } from './fuse-post-norm.js'
import { fuseResidualNorm } from './fuse-residual-norm.js'

it('makes one op of a norm and the sum it goes into, in either order', () => {
  for (const order of ['norm last', 'norm first']) {
    const graph = smallGraph((m, x) => {
      const normed = rmsNorm(m.at('norm'), silu(m, x), 0.5)
      return order === 'norm last' ? add(m, x, normed) : add(m, normed, x)
    })
    const { before, after } = beforeAfter(graph, fusePostNorm)
    expect(before).toContain('%4 = rms-norm(%3, norm.weight) eps=0.5 -> bf16[tokens,8]')
    expect(after).toBe(
      [
        '%3 = silu(%2) -> bf16[tokens,8]',
        '%4 = rms-norm-add(%2, %3, norm.weight) eps=0.5 -> bf16[tokens,8]',
        'y = %4',
      ].join('\n'),
    )
  }
})

it('takes the norm of the sum with it', () => {
  const graph = smallGraph((m, x) => {
    const sum = add(m, x, rmsNorm(m.at('post'), silu(m, x), 0.5))
    return add(m, sum, silu(m, rmsNorm(m.at('pre'), sum, 0.25)))
  })
  expect(beforeAfter(fuseResidualNorm.run(graph), fusePostNorm).after).toBe(
    [
      '%3 = silu(%2) -> bf16[tokens,8]',
      '%4, %5 = rms-norm-add-rms-norm(%2, %3, post.weight, pre.weight) eps=0.5 nextEps=0.25 -> bf16[tokens,8], bf16[tokens,8]',
      '%6 = silu(%5) -> bf16[tokens,8]',
      '%7 = add(%4, %6) -> bf16[tokens,8]',
      'y = %7',
    ].join('\n'),
  )
})

it('leaves a norm that others read', () => {
  const graph = smallGraph((m, x) => {
    const normed = rmsNorm(m.at('norm'), x, 0.5)
    return add(m, add(m, x, normed), silu(m, normed))
  })
  const { before, after } = beforeAfter(graph, fusePostNorm)
  expect(after).toBe(before)
})

it('leaves a norm that is added to itself', () => {
  const graph = smallGraph((m, x) => {
    const normed = rmsNorm(m.at('norm'), x, 0.5)
    return add(m, normed, normed)
  })
  const { before, after } = beforeAfter(graph, fusePostNorm)
  expect(after).toBe(before)
})
