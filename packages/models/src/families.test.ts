import { type Graph, paramsOf, trace } from '@trtllm/graph'
import { describe, expect, it } from 'vitest'
import type { DecoderConfig } from './decoder-config.js'
import { parseModelConfig } from './model-config.js'
import { type AnyModelDefinition, architectures } from './registry.js'
import { ropeTableOf } from './rope/rope.js'
import {
  goldensDirectory,
  goldenTensors,
  goldenValuesOf,
  goldenVariants,
} from './testing/golden-checkpoint.js'
import { expectGoldenLogits, goldenOf, teacherForced } from './testing/golden-logits.js'
import { referenceLogits } from './testing/reference-run.js'

const graphsOf = (definition: AnyModelDefinition, config: DecoderConfig, ranks: number): Graph[] =>
  Array.from({ length: ranks }, (_, rank) =>
    trace(definition, config, { dtype: 'f32', mesh: { size: ranks, rank }, disabledPasses: ['all'] }),
  )

// The model functions against Transformers, with nothing native between: every op is computed in f64.
describe.each(goldenVariants())('%s', (variant) => {
  const { prompts, meta } = goldenOf(variant)
  const valuesOf = goldenValuesOf(variant)

  it.each(prompts.map((prompt) => [prompt.id, prompt] as const))('%s', async (_id, prompt) => {
    const { definition, config } = await parseModelConfig(`${goldensDirectory}/${variant}`)
    const graphs = graphsOf(definition, config, 1)
    const table = ropeTableOf(config.rope, prompt.ids.length + meta.greedy_max)
    const { data, columns } = referenceLogits(graphs, teacherForced(prompt), valuesOf, table)
    expect(columns).toBe(config.vocabSize)
    expectGoldenLogits(prompt, (i) => data.subarray(i * columns, (i + 1) * columns), 1e-4)
  })

  it.each([2, 4])('gives the same logits on %i ranks', async (ranks) => {
    const { definition, config } = await parseModelConfig(`${goldensDirectory}/${variant}`)
    const ids = prompts[0]!.ids.slice(0, 5)
    const one = referenceLogits(graphsOf(definition, config, 1), ids, valuesOf)
    const several = referenceLogits(graphsOf(definition, config, ranks), ids, valuesOf)
    expect(several.columns).toBe(one.columns)
    const off = one.data.map((value, i) => Math.abs(value - several.data[i]!))
    expect(Math.max(...off)).toBeLessThan(1e-9)
  })

  it('asks for the tensors that Transformers has, in their shapes', async () => {
    const { definition, config } = await parseModelConfig(`${goldensDirectory}/${variant}`)
    const graph = trace(definition, config, { dtype: 'f32', disabledPasses: ['all'] })
    const asked = new Map<string, number>()
    for (const { sources } of paramsOf(graph)) {
      for (const { name, rows, columns, stacked } of sources) {
        asked.set(name, (stacked?.of ?? 1) * rows * columns)
      }
    }
    const stored = goldenTensors(variant).map(([name, shape]): [string, number] => [
      name,
      shape.reduce((product, size) => product * size, 1),
    ])
    expect([...asked].sort()).toEqual(stored.sort())
  })
})

it('has a golden model for every class', async () => {
  const models = await Promise.all(
    goldenVariants().map((name) => parseModelConfig(`${goldensDirectory}/${name}`)),
  )
  expect(new Set(models.map(({ architecture }) => architecture))).toEqual(new Set(architectures))
})
