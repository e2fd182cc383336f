import { ops } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { type Graph, paramsOf } from './graph.js'
import type { Param } from './param.js'
import { type ToyConfig, toyConfig, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const plainConfig: ToyConfig = { ...toyConfig, numLayers: 1, bias: true }

/** One rank's graph without passes, so that every linear keeps its own weight. */
function rankOf(size: number, rank: number, config = plainConfig): Graph {
  return trace(toyLlama, config, { dtype: 'bf16', mesh: { size, rank }, disabledPasses: ['all'] })
}

function paramOf(graph: Graph, path: string): Param {
  const param = paramsOf(graph).find((candidate) => candidate.path === path)
  if (!param) throw new Error(`no param ${path}`)
  return param
}

const attention = 'model.layers.0.self_attn'
const countOf = (graph: Graph, name: string): number =>
  graph.nodes.filter(({ op }) => op.name === name).length

describe('a plan for one rank', () => {
  it('communicates nothing and slices nothing', () => {
    const graph = rankOf(1, 0)
    expect(countOf(graph, ops.allReduce.name) + countOf(graph, ops.allGather.name)).toBe(0)
    expect(paramsOf(graph).every(({ sources }) => sources.every(({ slice }) => slice === undefined))).toBe(
      true,
    )
  })
})

describe('a plan for two ranks', () => {
  it('splits outputs by rows and whole heads', () => {
    const q = paramOf(rankOf(2, 1), `${attention}.q_proj.weight`)
    expect([q.rows, q.columns]).toEqual([32, 64])
    expect(q.sources).toEqual([
      {
        name: `${attention}.q_proj.weight`,
        rows: 64,
        columns: 64,
        slice: { firstRow: 32, rows: 32, firstColumn: 0, columns: 64 },
        firstRow: 0,
      },
    ])
    const bias = paramOf(rankOf(2, 1), `${attention}.k_proj.bias`)
    expect([bias.rows, bias.columns, bias.sources[0]!.slice?.firstRow]).toEqual([16, 1, 16])
  })

  it('splits inputs by columns, sums over the ranks, and adds the bias once', () => {
    const graph = rankOf(2, 1)
    const o = paramOf(graph, `${attention}.o_proj.weight`)
    expect([o.rows, o.columns]).toEqual([64, 32])
    expect(o.sources[0]).toMatchObject({
      rows: 64,
      columns: 64,
      slice: { firstRow: 0, rows: 64, firstColumn: 32, columns: 32 },
    })
    expect(countOf(graph, ops.allReduce.name)).toBe(2)
    const hasBias = [0, 1].map((rank) =>
      paramsOf(rankOf(2, rank)).some(({ path }) => path === `${attention}.o_proj.bias`),
    )
    expect(hasBias).toEqual([true, false])
  })

  it('splits the head over the vocabulary and gathers logits, its rows of a tied weight of its own', () => {
    const graph = rankOf(2, 1)
    const head = paramOf(graph, 'lm_head.weight')
    expect([head.rows, head.columns]).toEqual([48, 64])
    expect(head.sources[0]).toMatchObject({ name: 'model.embed_tokens.weight', rows: 96 })
    expect(head.sources[0]!.slice).toMatchObject({ firstRow: 48, rows: 48 })
    expect(paramOf(graph, 'model.embed_tokens.weight').kind).toBe('table')
    expect(String(graph.outputs.get('logits'))).toContain('f32[rows,96]')
  })

  it('keeps the head whole where the vocabulary does not divide', () => {
    const graph = rankOf(2, 1, { ...plainConfig, vocabSize: 97 })
    expect(countOf(graph, ops.allGather.name)).toBe(0)
    expect(paramOf(graph, 'model.embed_tokens.weight').kind).toBe('matrix')
  })

  it('keeps slices when passes stack weights', () => {
    const graph = trace(toyLlama, plainConfig, { dtype: 'bf16', mesh: { size: 2, rank: 1 } })
    const stacked = paramOf(graph, `${attention}.{q_proj,k_proj,v_proj}.weight`)
    expect(stacked.rows).toBe(64)
    expect(stacked.sources.map(({ firstRow, slice }) => [firstRow, slice?.firstRow, slice?.rows])).toEqual([
      [0, 32, 32],
      [32, 16, 16],
      [48, 16, 16],
    ])
  })
})

describe('fewer key heads than ranks', () => {
  it('gives neighbouring ranks the same one', () => {
    const firstRows = [0, 1, 2, 3].map(
      (rank) => paramOf(rankOf(4, rank), `${attention}.k_proj.weight`).sources[0]!.slice?.firstRow,
    )
    expect(firstRows).toEqual([0, 0, 16, 16])
    expect(rankOf(4, 0).caches[0]).toMatchObject({ content: { kvHeads: 1, headDim: 16 } })
  })

  it('is no way to split queries', () => {
    const config = { ...plainConfig, numHeads: 2, numKvHeads: 1 }
    expect(() => rankOf(4, 0, config)).toThrow(`${attention}.o_proj: ${attention} is the same on 2 ranks`)
  })
})

describe('what does not divide', () => {
  it('is named by its path', () => {
    expect(() => rankOf(4, 0, { ...plainConfig, numHeads: 6 })).toThrow(
      `${attention}.q_proj: 6 heads do not divide over 4 ranks`,
    )
    expect(() => rankOf(2, 0, { ...plainConfig, intermediateSize: 127 })).toThrow(
      'model.layers.0.mlp.gate_proj: width 127 does not divide over 2 ranks',
    )
  })
})
