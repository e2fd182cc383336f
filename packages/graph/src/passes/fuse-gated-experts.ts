import { type OpSchema, ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Value } from '../value.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'
import { joinedPath, stackParams } from './stack-params.js'

/** Ops of a gate and what it gates, as the attribute `gate` of expert-linear numbers them. */
const gates: ReadonlyMap<OpSchema, number> = new Map<OpSchema, number>([
  [ops.siluMul, 1],
  [ops.geluTanhMul, 2],
  [ops.clampedSiluMul, 3],
])

/** The expert linears of a gate and of what it gates become one, which gates its sums before it rounds them. */
export const fuseGatedExperts: Pass = {
  name: 'fuse-gated-experts',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const node of graph.nodes) {
      const gate = gates.get(node.op)
      const pair = gate === undefined ? undefined : linearsOf(uses, node)
      if (gate === undefined || !pair) continue
      for (const linear of pair) rewrite.replace(linear)
      rewrite.replace(node, fused(pair, node, gate))
    }
    return rewrite.apply(graph)
  },
}

type Pair = readonly [gate: Node, up: Node]

/** The expert linears whose whole results `node`, and nobody else, gates. */
function linearsOf(uses: Uses, node: Node): Pair | undefined {
  const [gate, up] = node.inputs.map((input) => ungated(uses, node, input))
  if (!gate || !up || gate === up) return undefined
  const agree = ['x', 'order', 'offsets', 'scale'].every((name) => inputOf(gate, name) === inputOf(up, name))
  const bothOrNone = (inputOf(gate, 'bias') === undefined) === (inputOf(up, 'bias') === undefined)
  const alike = ['width', 'fanOut'].every((name) => attributeOf(gate, name) === attributeOf(up, name))
  return agree && bothOrNone && alike ? [gate, up] : undefined
}

function ungated(uses: Uses, reader: Node, input: Value | undefined): Node | undefined {
  const linear = uses.producerOf(input)
  if (!input || linear?.op !== ops.expertLinear || attributeOf(linear, 'gate') !== 0) return undefined
  const own = [inputOf(linear, 'weight'), inputOf(linear, 'bias')].filter((weight) => weight !== undefined)
  const ownsWeights = own.every((weight) => uses.isOnlyReadBy(weight, linear))
  const isWhole = outputOf(linear, 'y') === input && uses.isOnlyReadBy(input, reader)
  return ownsWeights && isWhole ? linear : undefined
}

function fused([gate, up]: Pair, node: Node, number: number): Node {
  const stacked = (name: string): Value | undefined => {
    const weights = [inputOf(gate, name), inputOf(up, name)].filter((weight) => weight !== undefined)
    return weights.length === 0 ? undefined : stackParams(weights)
  }
  const inputs = Object.keys(gate.op.inputs).map((name) =>
    name === 'weight' || name === 'bias' ? stacked(name) : inputOf(gate, name),
  )
  const clamped = node.op === ops.clampedSiluMul
  const values: Record<string, number> = {
    width: attributeOf(gate, 'width'),
    fanOut: attributeOf(gate, 'fanOut'),
    gate: number,
    limit: clamped ? attributeOf(node, 'limit') : 0,
    alpha: clamped ? attributeOf(node, 'alpha') : 0,
  }
  return {
    ...gate,
    path: joinedPath([gate.path, up.path]),
    inputs,
    outputs: node.outputs,
    attributes: Object.keys(gate.op.attributes).map((name) => values[name]!),
  }
}
