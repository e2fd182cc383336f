import { expect, it } from 'vitest'
import { add, rmsNorm, silu } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { fuseResidualNorm } from './fuse-residual-norm.js'

it('makes one op of a sum and its norm, and keeps the sum', () => {
  const graph = smallGraph((m, x) => {
    const sum = add(m, x, silu(m, x))
    return add(m, sum, rmsNorm(m.at('norm'), sum, 0.5))
  })
  const { before, after } = beforeAfter(graph, fuseResidualNorm)
  expect(before).toBe(
    [
      '%3 = silu(%2) -> bf16[tokens,8]',
      '%4 = add(%2, %3) -> bf16[tokens,8]',
      '%5 = rms-norm(%4, norm.weight) eps=0.5 -> bf16[tokens,8]',
      '%6 = add(%4, %5) -> bf16[tokens,8]',
      'y = %6',
    ].join('\n'),
  )
  expect(after).toBe(
    [
      '%3 = silu(%2) -> bf16[tokens,8]',
      '%4, %5 = add-rms-norm(%2, %3, norm.weight) eps=0.5 -> bf16[tokens,8], bf16[tokens,8]',
      '%6 = add(%4, %5) -> bf16[tokens,8]',
      'y = %6',
    ].join('\n'),
  )
})

it('takes the first of two norms of a sum and leaves the other', () => {
  const graph = smallGraph((m, x) => {
    const sum = add(m, x, x)
    return add(m, rmsNorm(m.at('a'), sum, 0.5), rmsNorm(m.at('b'), sum, 0.5))
  })
  expect(beforeAfter(graph, fuseResidualNorm).after).toBe(
    [
      '%3, %4 = add-rms-norm(%2, %2, a.weight) eps=0.5 -> bf16[tokens,8], bf16[tokens,8]',
      '%5 = rms-norm(%3, b.weight) eps=0.5 -> bf16[tokens,8]',
      '%6 = add(%4, %5) -> bf16[tokens,8]',
      'y = %6',
    ].join('\n'),
  )
})

it('leaves a norm of anything but a sum', () => {
  const { before, after } = beforeAfter(
    smallGraph((m, x) => rmsNorm(m.at('norm'), x, 0.5)),
    fuseResidualNorm,
  )
  expect(after).toBe(before)
})
