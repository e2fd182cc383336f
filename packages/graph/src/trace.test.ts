import { describe, expect, it } from 'vitest'
import { paramsOf } from './graph.js'
import { attention, embed, gatherRows, heads, linear, lmHead, rope } from './layers.js'
import { passes } from './passes/index.js'
import { printGraph } from './print-graph.js'
import type { Scope } from './scope.js'
import type { StepValues } from './step-values.js'
import { smallGraph } from './testing/small-graph.js'
import { toyConfig, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'
import type { Value } from './value.js'

const options = { dtype: 'bf16' } as const
const kindOf = (graph: ReturnType<typeof trace>, path: string) =>
  paramsOf(graph).find((param) => param.path === path)?.kind

describe('trace', () => {
  it('runs every pass in order, and none that is disabled', () => {
    const names = passes.map(({ name }) => name)
    expect(trace(toyLlama, toyConfig, options).passes).toEqual(names)
    expect(trace(toyLlama, toyConfig, { ...options, disabledPasses: ['all'] }).passes).toEqual([])
    for (const name of names) {
      const graph = trace(toyLlama, toyConfig, { ...options, disabledPasses: [name] })
      expect(graph.passes).toEqual(names.filter((other) => other !== name))
    }
  })

  it('gives the same text every time', () => {
    const text = printGraph(trace(toyLlama, toyConfig, options))
    expect(printGraph(trace(toyLlama, toyConfig, options))).toBe(text)
  })

  it('names a pass that does not exist', () => {
    expect(() => trace(toyLlama, toyConfig, { ...options, disabledPasses: ['fuse-all'] })).toThrow(
      'no pass is called fuse-all; there are merge-sibling-linears,',
    )
  })

  it('names a rank that is not in the mesh', () => {
    expect(() => trace(toyLlama, toyConfig, { ...options, mesh: { size: 2, rank: 2 } })).toThrow(
      'rank 2 of 2',
    )
  })

  it('shares a tied weight as a matrix, and keeps an untied embedding as a table', () => {
    const tied = trace(toyLlama, toyConfig, options)
    expect(kindOf(tied, 'model.embed_tokens.weight')).toBe('matrix')
    expect(kindOf(tied, 'lm_head.weight')).toBeUndefined()
    const untied = trace(toyLlama, { ...toyConfig, tied: false }, options)
    expect(kindOf(untied, 'model.embed_tokens.weight')).toBe('table')
    expect(kindOf(untied, 'lm_head.weight')).toBe('matrix')
    expect(kindOf(untied, 'model.norm.weight')).toBe('vector')
    expect(kindOf(untied, 'rope.inverse_frequencies')).toBe('derived')
  })

  it('puts caches of different windows in different pools', () => {
    const graph = trace(toyLlama, { ...toyConfig, numLayers: 4, oddWindow: 100 }, options)
    expect(graph.caches.map(({ window, pool }) => [window, pool])).toEqual([
      [0, 0],
      [100, 1],
      [0, 0],
      [100, 1],
    ])
    expect(printGraph(graph)).toContain('slots.pageTable.1')
  })

  it('reads long sequences by their own rope table where there are two', () => {
    const table = Float32Array.of(1, 0.1)
    const config = { kind: 'longrope', rotaryDim: 4, base: 100, interleaved: false, attentionFactor: 1 }
    const graph = smallGraph((m, x, { positions }) =>
      rope(m, linear(m.at('q'), x, heads(2, 4)), positions, {
        ...config,
        inverseFrequencies: [table, table],
      }),
    )
    expect(printGraph(graph)).toContain('step.positions, rope.inverse_frequencies, step.ropeVariant)')
  })

  it('takes less than 100 ms for 80 layers of width 8192', () => {
    const config = {
      ...toyConfig,
      vocabSize: 128_256,
      hiddenSize: 8192,
      intermediateSize: 28_672,
      numLayers: 80,
      numHeads: 64,
      numKvHeads: 8,
      headDim: 128,
    }
    const cpuMs = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage()
      expect(trace(toyLlama, config, options).nodes.length).toBe(730)
      return process.cpuUsage(before).user / 1000
    })
    expect(Math.min(...cpuMs)).toBeLessThan(100)
  })
})

describe('a model that asks for something impossible', () => {
  const tracing = (forward: (m: Scope, step: StepValues) => Value) => () =>
    trace({ architectures: ['Wrong'], forward: (m, _config: null, step) => forward(m, step) }, null, options)
  const embedded = (m: Scope, step: StepValues): Value => embed(m.at('embed'), step.tokens, 32, 8)

  it('is told when it returns no logits', () => {
    expect(tracing(embedded)).toThrow('Wrong: forward returns embed bf16[tokens,8], expected logits')
  })

  it('is told when it gives attention values without heads', () => {
    const model = (m: Scope, step: StepValues): Value => {
      const x = embedded(m, step)
      return attention(m.at('attention'), x, x, x, { scale: 1 })
    }
    expect(tracing(model)).toThrow('attention: q is [tokens,heads,headDim], embed bf16[tokens,8] is not')
  })

  it('is told when two attentions share a scope', () => {
    const model = (m: Scope, step: StepValues): Value => {
      const x = linear(m.at('q'), embedded(m, step), heads(2, 4))
      attention(m.at('attention'), x, x, x, { scale: 1 })
      return attention(m.at('attention'), x, x, x, { scale: 1 })
    }
    expect(tracing(model)).toThrow('attention: attention is called twice here')
  })

  it('is told when one path has two shapes', () => {
    const model = (m: Scope, step: StepValues): Value => {
      const x = linear(m.at('proj'), embedded(m, step), 8)
      return linear(m.at('proj'), x, 16)
    }
    expect(tracing(model)).toThrow('proj.weight: asked for as matrix [8,8] and as matrix [16,8]')
  })

  it('is told when rope tables do not fit its rotated part', () => {
    const model = (m: Scope, step: StepValues): Value =>
      rope(m.at('attention'), linear(m.at('q'), embedded(m, step), heads(2, 4)), step.positions, {
        kind: 'default',
        rotaryDim: 4,
        base: 100,
        interleaved: false,
        attentionFactor: 1,
        inverseFrequencies: [Float32Array.of(1)],
      })
    expect(tracing(model)).toThrow(
      'attention: rope of 4 elements needs tables of 2 inverse frequencies, found 1',
    )
  })

  it('may return logits of all tokens only if they are its rows', () => {
    const model = (m: Scope, step: StepValues): Value => lmHead(m.at('lm_head'), embedded(m, step), 32)
    expect(tracing(model)).toThrow('f32[tokens,32], expected logits f32[rows,vocabulary]')
    const right = (m: Scope, step: StepValues): Value =>
      lmHead(m.at('lm_head'), gatherRows(m, embedded(m, step), step.logitRows), 32)
    expect(tracing(right)).not.toThrow()
  })
})
