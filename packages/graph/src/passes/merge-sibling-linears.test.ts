import { expect, it } from 'vitest'
import { paramsOf } from '../graph.js'
import { add, heads, linear, mul, silu } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { flattened } from '../value.js'
import { mergeSiblingLinears } from './merge-sibling-linears.js'

const siblings = (bias: boolean) =>
  smallGraph((m, x) => {
    const gate = linear(m.at('mlp.gate'), x, 16, { bias })
    const up = linear(m.at('mlp.up'), x, heads(2, 8), { bias })
    return mul(m, silu(m, gate), flattened(up))
  })

it('stacks the weights of linears of the same x; readers get columns', () => {
  const { before, after } = beforeAfter(siblings(false), mergeSiblingLinears)
  expect(before).toBe(
    [
      '%3 = linear(%2, mlp.gate.weight, -) -> bf16[tokens,16]',
      '%4 = linear(%2, mlp.up.weight, -) -> bf16[tokens,16]',
      '%5 = silu(%3) -> bf16[tokens,16]',
      '%6 = mul(%5, %4[as 16]) -> bf16[tokens,16]',
      'y = %6',
    ].join('\n'),
  )
  expect(after).toBe(
    [
      '%3 = linear(%2, mlp.{gate,up}.weight, -) -> bf16[tokens,32]',
      '%4 = silu(%3[0:16]) -> bf16[tokens,16]',
      '%5 = mul(%4, %3[16:32]) -> bf16[tokens,16]',
      'y = %5',
    ].join('\n'),
  )
})

it('tells which rows of the stack each checkpoint tensor fills, biases too', () => {
  const params = paramsOf(mergeSiblingLinears.run(siblings(true))).filter(
    ({ path }) => path !== 'embed.weight',
  )
  expect(params.map(({ path, kind, rows, columns }) => ({ path, kind, rows, columns }))).toEqual([
    { path: 'mlp.{gate,up}.weight', kind: 'matrix', rows: 32, columns: 8 },
    { path: 'mlp.{gate,up}.bias', kind: 'vector', rows: 32, columns: 1 },
  ])
  expect(params[0]!.sources).toEqual([
    { name: 'mlp.gate.weight', rows: 16, columns: 8, firstRow: 0 },
    { name: 'mlp.up.weight', rows: 16, columns: 8, firstRow: 16 },
  ])
  expect(params[1]!.sources.map(({ name, firstRow }) => [name, firstRow])).toEqual([
    ['mlp.gate.bias', 0],
    ['mlp.up.bias', 16],
  ])
})

it('leaves linears of different x, and those that differ in having a bias', () => {
  const different = smallGraph((m, x) => linear(m.at('b'), linear(m.at('a'), x, 8), 8))
  const mixed = smallGraph((m, x) => add(m, linear(m.at('a'), x, 8), linear(m.at('b'), x, 8, { bias: true })))
  for (const graph of [different, mixed]) {
    const { before, after } = beforeAfter(graph, mergeSiblingLinears)
    expect(after).toBe(before)
  }
})

it('leaves a weight that is used twice', () => {
  const graph = smallGraph((m, x) => add(m, linear(m.at('a'), x, 8), linear(m.at('a'), silu(m, x), 8)))
  const { before, after } = beforeAfter(graph, mergeSiblingLinears)
  expect(after).toBe(before)
})
