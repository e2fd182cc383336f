import { ops } from '@trtllm/kernels'
import { expect, it } from 'vitest'
import type { Graph } from '../graph.js'
import { add, linear, mul, rmsNorm, silu } from '../layers.js'
import { inputOf } from '../node.js'
import { Param } from '../param.js'
import type { Scope } from '../scope.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import type { Value } from '../value.js'
import { fuseF8Producers } from './fuse-f8-producers.js'
import { fuseGatedActivation } from './fuse-gated-activation.js'
import { fuseResidualNorm } from './fuse-residual-norm.js'

/** A graph after the passes that make producers, its linears reading weights in f8. */
function f8Graph(build: (m: Scope, x: Value) => Value): Graph {
  const graph = fuseGatedActivation.run(fuseResidualNorm.run(smallGraph(build)))
  const nodes = graph.nodes.map((node) => {
    if (node.op !== ops.linear) return node
    const [x, weight, bias] = ['x', 'weight', 'bias'].map((name) => inputOf(node, name))
    const { path, shape } = weight!
    const rows = shape[0]!.constant!
    const scale = new Param(`${path}_scale`, 'scale', 'f32', rows, 1, [], undefined, path)
    const kept = new Param(path, 'matrix', 'f8', rows, shape[1]!.constant!, [])
    return { ...node, op: ops.linearF8, inputs: [x, kept.value, scale.value, bias] }
  })
  return { ...graph, nodes }
}

it('makes one op of a sum, its norm and the only linear of that', () => {
  const graph = f8Graph((m, x) => {
    const sum = add(m, x, silu(m, x))
    return add(m, sum, linear(m.at('up'), rmsNorm(m.at('norm'), sum, 1e-5), 8))
  })
  const { before, after } = beforeAfter(graph, fuseF8Producers)
  expect(before).toContain('%4, %5 = add-rms-norm(')
  const fused = [
    '%3 = silu(%2) -> bf16[tokens,8]',
    '%4, %5 = add-rms-norm-linear-f8(%2, %3, norm.weight, up.weight, up.weight_scale, -) eps=0.00001 -> bf16[tokens,8], bf16[tokens,8]',
    '%6 = add(%4, %5) -> bf16[tokens,8]',
    'y = %6',
  ]
  expect(after).toBe(fused.join('\n'))
})

it('makes one op of silu(gate) * up and the only linear of that', () => {
  const graph = f8Graph((m, x) => linear(m.at('down'), mul(m, silu(m, add(m, x, x)), x), 8, { bias: true }))
  const { before, after } = beforeAfter(graph, fuseF8Producers)
  expect(before).toContain('silu-mul(')
  const fused = [
    '%3 = add(%2, %2) -> bf16[tokens,8]',
    '%4 = silu-mul-linear-f8(%3, %2, down.weight, down.weight_scale, down.bias) -> bf16[tokens,8]',
    'y = %4',
  ]
  expect(after).toBe(fused.join('\n'))
})

it('leaves rows that others read too', () => {
  const graph = f8Graph((m, x) => {
    const normed = rmsNorm(m.at('norm'), add(m, x, silu(m, x)), 1e-5)
    const product = mul(m, silu(m, normed), x)
    return add(m, add(m, linear(m.at('up'), normed, 8), product), linear(m.at('down'), product, 8))
  })
  const { before, after } = beforeAfter(graph, fuseF8Producers)
  expect(before).toContain('linear-f8(')
  expect(after).toBe(before)
})
