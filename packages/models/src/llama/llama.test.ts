import { trace } from '@trtllm/graph'
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from '../model-config.js'
import { ropeTableOf } from '../rope/rope.js'
import { goldensDirectory, goldenValues, goldenVariants } from '../testing/golden-checkpoint.js'
import { expectGoldenLogits, goldenOf, teacherForced } from '../testing/golden-logits.js'
import { referenceLogits } from '../testing/reference-run.js'

// The model function against Transformers, with nothing native between: every op is computed in f64.
describe.each(goldenVariants())('%s', (variant) => {
  const { prompts, meta } = goldenOf(variant)

  it.each(prompts.map((prompt) => [prompt.id, prompt] as const))('%s', async (_id, prompt) => {
    const { definition, config } = await parseModelConfig(`${goldensDirectory}/${variant}`)
    const graph = trace(definition, config, { dtype: 'f32', disabledPasses: ['all'] })
    const table = ropeTableOf(config.rope, prompt.ids.length + meta.greedy_max)
    const { data, columns } = referenceLogits(graph, teacherForced(prompt), goldenValues, table)
    expect(columns).toBe(config.vocabSize)
    expectGoldenLogits(prompt, (i) => data.subarray(i * columns, (i + 1) * columns), 1e-4)
  })
})
