import { ops } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { Dim } from './dim.js'
import type { Graph } from './graph.js'
import { add, attention, heads, linear, silu } from './layers.js'
import type { Node } from './node.js'
import { smallGraph } from './testing/small-graph.js'
import { Value } from './value.js'
import { verifyGraph } from './verify.js'

const graph = smallGraph((m, x) => add(m.at('sum'), x, silu(m.at('act'), x)))
const withNodes = (nodes: readonly Node[], from: Graph = graph): Graph => ({ ...from, nodes })

/** `graph` with some fields of its last node changed. */
const changed = (change: Partial<Node>): Graph =>
  withNodes([...graph.nodes.slice(0, -1), { ...graph.nodes.at(-1)!, ...change }])

describe('verifyGraph', () => {
  it('accepts what layers record', () => {
    expect(() => verifyGraph(graph)).not.toThrow()
  })

  it('finds a value that is read before it is made', () => {
    expect(() => verifyGraph(withNodes([...graph.nodes].reverse()))).toThrow(
      'sum (add): reads embed before it is made',
    )
  })

  it('finds a value that is made twice', () => {
    expect(() => verifyGraph(withNodes([...graph.nodes, graph.nodes.at(-1)!]))).toThrow('sum is made twice')
  })

  it('finds an output that nobody makes', () => {
    expect(() => verifyGraph(withNodes(graph.nodes.slice(0, -1)))).toThrow('the output y is never made')
  })

  it('finds a result of another type or shape than the op gives', () => {
    const tokens = Dim.symbol('tokens')
    const wrong = new Value('sum', 'f32', [tokens, Dim.of(8)], { kind: 'node' })
    expect(() => verifyGraph(changed({ outputs: [wrong] }))).toThrow(
      'sum (add): z should be bf16[tokens,8], but is sum f32[tokens,8]',
    )
  })

  it('finds operands whose named sizes differ', () => {
    const rows = new Value('other', 'bf16', [Dim.symbol('rows'), Dim.of(8)], {
      kind: 'slab',
      section: 'logitRows',
    })
    const { inputs } = graph.nodes.at(-1)!
    expect(() => verifyGraph(changed({ inputs: [inputs[0], rows] }))).toThrow(
      'sum: add: y: rows is tokens, but axis 0 of other is rows',
    )
  })

  it('finds a missing operand and a weight that is no param', () => {
    const { inputs } = graph.nodes.at(-1)!
    expect(() => verifyGraph(changed({ inputs: [inputs[0]] }))).toThrow('sum: add: the input y is missing')
    const embedding = graph.nodes.find((node) => node.op === ops.embed)!
    const nodes = graph.nodes.map((node) =>
      node === embedding ? { ...node, inputs: [node.inputs[0], embedding.outputs[0]] } : node,
    )
    expect(() => verifyGraph(withNodes(nodes))).toThrow('embed (embed): ')
  })

  it('finds a read of a cache as it was before the step wrote to it', () => {
    const attended = smallGraph((m, x) => {
      const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(m.at(name), x, heads(2, 4)))
      return attention(m.at('attention'), q!, k!, v!, { scale: 0.5 })
    })
    const write = attended.nodes.find((node) => node.op === ops.kvWrite)!
    const stale = write.inputs.at(-1)
    const nodes = attended.nodes.map((node) =>
      node.op === ops.pagedAttention
        ? { ...node, inputs: [...node.inputs.slice(0, -2), stale, undefined] }
        : node,
    )
    expect(() => verifyGraph(withNodes(nodes, attended))).toThrow(
      'reads attention.cache as it was before attention (kv-write) changed it',
    )
  })
})
