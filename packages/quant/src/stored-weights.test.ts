import { defineModel, type Graph, inputOf, paramsOf, trace } from '@trtllm/graph'
import { add, embed, gatherRows, linear, lmHead } from '@trtllm/graph/layers'
import { ops } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { readStoredWeights, type StoredScales } from './index.js'

/** Siblings of 192 and 128 columns, one linear after them, and a head tied to the embeddings. */
const model = defineModel({
  architectures: ['SmallForCausalLM'],
  config: (config: object) => config,
  forward(m, _config: object, { tokens, logitRows }) {
    const x = embed(m.at('embed'), tokens, 32, 256)
    const ragged = linear(m.at('ragged'), x, 192, { split: 'out' })
    const whole = linear(m.at('whole'), x, 128)
    const down = linear(m.at('down'), ragged, 256, { split: 'in' })
    const sum = add(m, down, linear(m.at('up'), whole, 256))
    return lmHead(m.at('head'), gatherRows(m, add(m, x, sum), logitRows), 32, { tiedTo: 'embed' })
  },
})

const blocks: StoredScales = { block: [128, 128], isStored: (name) => name !== 'up.weight' }

const traced = (stored: StoredScales, size = 1, rank = 0): Graph =>
  trace(model, {}, { dtype: 'bf16', quantization: readStoredWeights(stored), mesh: { size, rank } })

const opOf = (graph: Graph, path: string) =>
  graph.nodes.find(
    ({ op, ...node }) => op.name.startsWith('linear') && inputOf({ op, ...node }, 'weight')?.path === path,
  )!.op

const scalesOf = (graph: Graph) =>
  paramsOf(graph)
    .filter(({ scaleOf }) => scaleOf !== undefined)
    .map(({ path, kind, rows, columns, value }) => [path, kind, rows, columns, value.shape.length])

describe('weights that a checkpoint keeps as f8', () => {
  it('are read with a grid of scales, the ragged one of two siblings last', () => {
    const graph = traced(blocks)
    expect(opOf(graph, '{whole,ragged}.weight')).toBe(ops.linearF8Blocks)
    expect(opOf(graph, 'down.weight')).toBe(ops.linearF8Blocks)
    expect(scalesOf(graph)).toEqual([
      ['{whole,ragged}.weight_scale', 'grid', 3, 2, 2],
      ['down.weight_scale', 'grid', 2, 2, 2],
    ])
  })

  it('leave alone what the checkpoint keeps as plain floats', () => {
    expect(opOf(traced(blocks), 'up.weight')).toBe(ops.linear)
    expect(opOf(traced({ isStored: () => true }), 'embed.weight')).toBe(ops.linear)
  })

  it('have a scale for each row where there are no blocks', () => {
    const graph = traced({ isStored: () => true })
    expect(opOf(graph, 'down.weight')).toBe(ops.linearF8)
    expect(scalesOf(graph)).toContainEqual(['down.weight_scale', 'scale', 256, 1, 1])
  })

  it('are kept in the dtype of the model where a rank begins inside a block', () => {
    expect(opOf(traced(blocks, 2, 0), 'down.weight')).toBe(ops.linearF8Blocks)
    expect(opOf(traced(blocks, 2, 1), 'down.weight')).toBe(ops.linear)
  })

  it('are kept in the dtype of the model where only a part is f8', () => {
    const graph = traced({ ...blocks, isStored: (name) => name !== 'ragged.weight' })
    expect(opOf(graph, '{whole,ragged}.weight')).toBe(ops.linear)
  })
})
