import {
  compile,
  defineModel,
  type Graph,
  inputOf,
  nullPlanDevice,
  paramsOf,
  printGraph,
  trace,
} from '@trtllm/graph'
import { add, embed, gatherRows, linear, lmHead, rmsNorm } from '@trtllm/graph/layers'
import { describe, expect, it } from 'vitest'
import { quantizeWeights, type WeightFormat, weightFormats } from './index.js'

/** Two linears of one value, a third with a bias, and a head tied to the embeddings. */
const model = defineModel({
  architectures: ['SmallForCausalLM'],
  config: (config: object) => config,
  forward(m, _config: object, { tokens, logitRows }) {
    const x = rmsNorm(m.at('norm'), embed(m.at('embed'), tokens, 32, 64), 1e-5)
    const sum = add(m, linear(m.at('a'), x, 64), linear(m.at('b'), x, 64))
    const y = add(m.at('sum'), sum, linear(m.at('c'), x, 64, { bias: true }))
    return lmHead(m.at('head'), gatherRows(m, y, logitRows), 32, { tiedTo: 'embed' })
  },
})

const traced = (format?: WeightFormat, disabledPasses: string[] = []): Graph =>
  trace(
    model,
    {},
    { dtype: 'bf16', disabledPasses, ...(format && { quantization: quantizeWeights(format) }) },
  )

describe.each([...weightFormats.values()])('weights in $name', (format) => {
  it('change what a linear reads and nothing else', () => {
    const renamed = printGraph(traced(format))
      .replaceAll(`${format.linear.name}(`, 'linear(')
      .replace(/, \{a,b\}\.weight_scale/, '')
      .replace(/, c\.weight_scale/, '')
    expect(renamed).toBe(printGraph(traced()))
  })

  it('have a scale for each output, the head none', () => {
    const params = paramsOf(traced(format, ['all']))
    const shapes = params.map(({ path, kind, dtype, rows, scaleOf }) => ({
      path,
      kind,
      dtype,
      rows,
      scaleOf,
    }))
    expect(shapes).toEqual([
      { path: 'embed.weight', kind: 'matrix', dtype: 'bf16', rows: 32, scaleOf: undefined },
      { path: 'norm.weight', kind: 'vector', dtype: 'f32', rows: 64, scaleOf: undefined },
      ...['a', 'b', 'c'].flatMap((name) => [
        { path: `${name}.weight`, kind: 'matrix', dtype: format.dtype, rows: 64, scaleOf: undefined },
        { path: `${name}.weight_scale`, kind: 'scale', dtype: 'f32', rows: 64, scaleOf: `${name}.weight` },
      ]),
      { path: 'c.bias', kind: 'vector', dtype: 'bf16', rows: 64, scaleOf: undefined },
    ])
  })

  it('are merged before they are quantized, and take a byte each', () => {
    const graph = traced(format)
    const limits = {
      maxTokens: 8,
      maxRows: 8,
      maxSeqs: 8,
      numSlots: 8,
      maxSeqLen: 31,
      maxDeltas: 8,
      maxDeltaWords: 64,
    }
    const plan = compile(graph, { limits, device: nullPlanDevice })
    const weight = plan.params.find(({ path }) => path === '{a,b}.weight')!
    expect(weight).toMatchObject({ dtype: format.dtype, rows: 128 })
    expect(weight.bytes).toBe(weight.rows * weight.columns)
    const scale = plan.params.find(({ scaleOf }) => scaleOf === weight.path)!
    expect([scale.bytes, scale.sources]).toEqual([weight.rows * 4, []])
    const node = graph.nodes.find(({ op }) => op === format.linear)!
    expect(inputOf(node, 'weightScale')!.path).toBe(scale.path)
    expect(graph.passes.slice(-2)).toEqual([`quantize-${format.name}`, 'fuse-f8-producers'])
  })
})
