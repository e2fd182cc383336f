import { describe, expect, it } from 'vitest'
import { compile } from '../compile.js'
import { type Graph, paramsOf } from '../graph.js'
import { defineModel, nullPlanDevice } from '../index.js'
import {
  add,
  combineExperts,
  embed,
  expertLinear,
  gatherRows,
  linear,
  lmHead,
  packedExpertLinears,
  route,
} from '../layers.js'
import { attributeOf, inputOf } from '../node.js'
import { trace } from '../trace.js'

const model = defineModel({
  architectures: ['ExpertsForCausalLM'],
  config: (config: object) => config,
  forward(m, _config: object, { tokens, logitRows }) {
    const x = embed(m.at('embed'), tokens, 32, 64)
    const logits = linear(m.at('gate'), x, 4, { precise: true })
    const options = { chosen: 2, scoring: 'sigmoid', choiceBias: 'choice_bias' } as const
    const routed = route(m.at('gate'), logits, options)
    const up = expertLinear(m.at('experts.{e}.up'), x, routed, 48, {
      split: 'out',
      bias: true,
      weighted: true,
    })
    const down = { of: 'pairs', split: 'in', bias: true } as const
    const y = combineExperts(m, expertLinear(m.at('experts.{e}.down'), up, routed, 64, down), routed, down)
    return lmHead(m.at('head'), gatherRows(m, y, logitRows), 32)
  },
})

const traced = (size: number, rank: number): Graph =>
  trace(model, {}, { dtype: 'bf16', mesh: { size, rank } })
const nodesOf = (graph: Graph, name: string) => graph.nodes.filter(({ op }) => op.name === name)
const paramOf = (graph: Graph, path: string) => paramsOf(graph).find((param) => param.path === path)

describe('linears of experts', () => {
  it('have a stack of the weights that all experts have', () => {
    const weight = paramOf(traced(1, 0), 'experts.{e}.up.weight')!
    expect(`${weight.value}`).toBe('experts.{e}.up.weight bf16[4,48,64]')
    expect(weight.sources).toEqual(
      [0, 1, 2, 3].map((e) => ({
        name: `experts.${e}.up.weight`,
        rows: 48,
        columns: 64,
        firstRow: 0,
        matrix: e,
      })),
    )
    expect(paramOf(traced(1, 0), 'experts.{e}.up.bias')!.shapeText).toBe('[4,48]')
  })

  it('take tokens, then pairs, in one order', () => {
    const [up, down] = nodesOf(traced(1, 0), 'expert-linear')
    expect([attributeOf(up!, 'fanOut'), attributeOf(down!, 'fanOut')]).toEqual([2, 0])
    expect(up!.outputs[0]!.shape.join()).toBe('2*tokens,48')
    expect(inputOf(up!, 'order')).toBe(inputOf(down!, 'order'))
    expect([inputOf(up!, 'scale')?.path, inputOf(down!, 'scale')]).toEqual(['gate.weights', undefined])
  })

  it('choose with f32 logits and an f32 bias', () => {
    const [route] = nodesOf(traced(1, 0), 'route')
    expect(inputOf(route!, 'logits')!.dtype).toBe('f32')
    expect(`${inputOf(route!, 'bias')}`).toBe('gate.choice_bias f32[4]')
  })

  it('are placed with all their matrices', () => {
    const limits = {
      maxTokens: 8,
      maxRows: 8,
      maxSeqs: 8,
      numSlots: 8,
      maxSeqLen: 64,
      maxDeltas: 8,
      maxDeltaWords: 64,
    }
    const { params } = compile(traced(1, 0), { limits, device: nullPlanDevice })
    const up = params.find(({ path }) => path === 'experts.{e}.up.weight')!
    expect([up.bytes, up.matrices]).toEqual([4 * 48 * 64 * 2, 4])
  })
})

describe('linears of experts on two ranks', () => {
  it('split the width of an expert, sum once a token and add the bias once', () => {
    const [first, second] = [traced(2, 0), traced(2, 1)]
    expect(paramOf(second, 'experts.{e}.up.weight')!.sources[3]).toMatchObject({
      name: 'experts.3.up.weight',
      slice: { firstRow: 24, rows: 24, firstColumn: 0, columns: 64 },
    })
    expect(paramOf(second, 'experts.{e}.up.bias')!.sources[1]).toMatchObject({
      rows: 48,
      firstRow: 0,
      matrix: 1,
      slice: { firstRow: 24, rows: 24 },
    })
    expect(paramOf(second, 'experts.{e}.down.weight')!.sources[0]).toMatchObject({
      rows: 64,
      columns: 48,
      slice: { firstRow: 0, rows: 64, firstColumn: 24, columns: 24 },
    })
    expect(paramOf(first, 'experts.{e}.down.bias')).toBeDefined()
    expect(paramOf(second, 'experts.{e}.down.bias')).toBeUndefined()
    expect(nodesOf(first, 'all-reduce').map(({ outputs }) => outputs[0]!.shape.join())).toEqual(['tokens,64'])
  })

  it('are refused where the width does not divide', () => {
    expect(() => traced(5, 0)).toThrow('experts.{e}.up: width 48 does not divide over 5 ranks')
  })
})

describe('linears of experts in one tensor', () => {
  const packed = (interleaved: boolean) =>
    defineModel({
      architectures: ['PackedForCausalLM'],
      config: (config: object) => config,
      forward(m, _config: object, { tokens, logitRows }) {
        const x = embed(m.at('embed'), tokens, 32, 64)
        const routed = route(m, linear(m.at('gate'), x, 4, { precise: true }), {
          chosen: 2,
          scoring: 'softmax',
        })
        const options = { interleaved, bias: true, split: 'out' } as const
        const { a, b } = packedExpertLinears(m.at('experts.ab'), x, routed, { a: 64, b: 64 }, options)
        const y = combineExperts(m, add(m, a, b), routed)
        return lmHead(m.at('head'), gatherRows(m, y, logitRows), 32)
      },
    })
  const sourceOf = (interleaved: boolean, path: string, index: number) => {
    const graph = trace(
      packed(interleaved),
      {},
      { dtype: 'f32', mesh: { size: 1, rank: 0 }, disabledPasses: ['all'] },
    )
    return paramOf(graph, path)!.sources[index]
  }

  it('take the rows of its turned matrices, one behind the other or in turns', () => {
    const tensor = { name: 'experts.ab', rows: 128, columns: 64, turned: true, stacked: { index: 3, of: 4 } }
    expect(sourceOf(false, 'experts.ab.b.weight', 3)).toEqual({
      ...tensor,
      firstRow: 0,
      matrix: 3,
      slice: { firstRow: 64, rows: 64, firstColumn: 0, columns: 64 },
    })
    expect(sourceOf(true, 'experts.ab.b.weight', 3)).toEqual({
      ...tensor,
      firstRow: 0,
      matrix: 3,
      slice: { firstRow: 1, rows: 64, rowStep: 2, firstColumn: 0, columns: 64 },
    })
    expect(sourceOf(true, 'experts.ab.a.bias', 2)).toEqual({
      name: 'experts.ab_bias',
      rows: 128,
      columns: 1,
      stacked: { index: 2, of: 4 },
      firstRow: 0,
      matrix: 2,
      slice: { firstRow: 0, rows: 64, rowStep: 2, firstColumn: 0, columns: 1 },
    })
  })
})
