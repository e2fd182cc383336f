import { expect, it } from 'vitest'
import { paramsOf } from '../graph.js'
import {
  clampedSiluMul,
  combineExperts,
  expertLinear,
  linear,
  mul,
  type Routed,
  route,
  silu,
} from '../layers.js'
import type { Scope } from '../scope.js'
import { beforeAfter, bodyOf, smallGraph } from '../testing/small-graph.js'
import type { Value } from '../value.js'
import { fuseGatedActivation } from './fuse-gated-activation.js'
import { fuseGatedExperts } from './fuse-gated-experts.js'

type Experts = (m: Scope, x: Value, routed: Routed) => Value

const routedGraph = (experts: Experts) =>
  fuseGatedActivation.run(
    smallGraph((m, x) => {
      const logits = linear(m.at('router'), x, 4, { precise: true })
      const routed = route(m, logits, { chosen: 2, scoring: 'softmax' })
      return combineExperts(m, experts(m, x, routed), routed)
    }),
  )

const part = (m: Scope, x: Value, routed: Routed, name: string): Value =>
  expertLinear(m.at(`experts.{e}.${name}`), x, routed, 16, { bias: true })

it('makes one expert linear of a gate, what it gates and the gating', () => {
  const graph = routedGraph((m, x, routed) =>
    mul(m, silu(m, part(m, x, routed, 'gate')), part(m, x, routed, 'up')),
  )
  const { before, after } = beforeAfter(graph, fuseGatedExperts)
  expect(before.match(/expert-linear|silu-mul/g)).toEqual(['expert-linear', 'expert-linear', 'silu-mul'])
  expect(after.match(/expert-linear|silu-mul/g)).toEqual(['expert-linear'])
  expect(after).toContain('experts.{e}.{gate,up}.weight')
  const [weight, bias] = paramsOf(fuseGatedExperts.run(graph)).filter(({ path }) =>
    path.startsWith('experts'),
  )
  expect([weight, bias].map((param) => `${param!.value}`)).toEqual([
    'experts.{e}.{gate,up}.weight bf16[4,32,8]',
    'experts.{e}.{gate,up}.bias bf16[4,32]',
  ])
  expect(weight!.sources.map(({ name, firstRow, matrix }) => [name, firstRow, matrix])).toEqual([
    ...[0, 1, 2, 3].map((e) => [`experts.${e}.gate.weight`, 0, e]),
    ...[0, 1, 2, 3].map((e) => [`experts.${e}.up.weight`, 16, e]),
  ])
})

it('keeps the numbers of a clamped gate', () => {
  const graph = routedGraph((m, x, routed) =>
    clampedSiluMul(m, part(m, x, routed, 'gate'), part(m, x, routed, 'up'), { limit: 7, alpha: 1.5 }),
  )
  const [node] = fuseGatedExperts.run(graph).nodes.filter(({ op }) => op.name === 'expert-linear')
  expect(node!.attributes).toEqual([16, 2, 3, 7, 1.5])
})

it.each<[string, Experts]>([
  [
    'an expert linear that gates itself',
    (m, x, routed) => {
      const up = part(m, x, routed, 'up')
      return mul(m, silu(m, up), up)
    },
  ],
  [
    'linears that others read',
    (m, x, routed) => {
      const up = part(m, x, routed, 'up')
      return mul(m, up, mul(m, silu(m, part(m, x, routed, 'gate')), up))
    },
  ],
  [
    'linears of different x',
    (m, x, routed) =>
      mul(m, silu(m, part(m, x, routed, 'gate')), part(m, linear(m.at('other'), x, 8), routed, 'up')),
  ],
])('leaves %s', (_what, experts) => {
  const graph = routedGraph(experts)
  expect(bodyOf(fuseGatedExperts.run(graph))).toBe(bodyOf(graph))
})
