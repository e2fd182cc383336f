import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CompiledPlan, compile, nullPlanDevice, printPlan, trace } from '@trtllm/graph'
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from '../model-config.js'
import { goldensDirectory, goldenVariants } from '../testing/golden-checkpoint.js'

const shapes = fileURLToPath(new URL('../../../../benchmarks/shapes', import.meta.url))
const goldens = fileURLToPath(new URL('goldens', import.meta.url))

const limits = {
  maxTokens: 2048,
  maxRows: 256,
  maxSeqs: 256,
  numSlots: 256,
  maxSeqLen: 8192,
  maxDeltas: 4096,
  maxDeltaWords: 65_536,
}

async function planOf(path: string, ranks: number, disabledPasses: string[] = []): Promise<CompiledPlan> {
  const { definition, config, name } = await parseModelConfig(path)
  const mesh = { size: ranks, rank: 0 }
  const graph = trace(definition, config, { dtype: 'bf16', mesh, name, disabledPasses })
  return compile(graph, { limits, device: nullPlanDevice })
}

/** A plan without its middle layers, which differ from the first in their numbers only. */
function withoutMiddle(plan: string, numLayers: number): string {
  const lines = plan.split('\n')
  const from = lines.findIndex((line) => line.includes('model.layers.1.'))
  const to = lines.findIndex((line) => line.includes(`model.layers.${numLayers - 1}.`))
  const middle = lines
    .slice(from, to)
    .map((line) => line.replace(/%\d+/g, '%').replace(/layers\.\d+/g, 'layers.N'))
  const layer = middle.slice(0, middle.length / (numLayers - 2))
  for (const [i, line] of middle.entries()) expect(line).toBe(layer[i % layer.length])
  return [
    ...lines.slice(0, from),
    `... ${to - from} lines of layers 1 to ${numLayers - 2} ...`,
    ...lines.slice(to),
  ].join('\n')
}

/** Compares with the stored text; `UPDATE_GOLDENS=1` stores a new one. */
function expectGolden(name: string, text: string): void {
  const file = `${goldens}/${name}.plan.txt`
  if (process.env.UPDATE_GOLDENS === '1') {
    mkdirSync(goldens, { recursive: true })
    writeFileSync(file, text)
  }
  expect(existsSync(file), `${file} is missing; run with UPDATE_GOLDENS=1`).toBe(true)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

/** shape, ranks, parameters of the whole model. */
const table: [string, number, number][] = [
  ['tinyllama-1.1b', 1, 1_100_048_384],
  ['llama-3.2-1b', 1, 1_235_814_400],
  ['llama-3.2-1b', 2, 1_235_814_400],
  ['llama-3.2-1b', 8, 1_235_814_400],
  ['llama-3.1-8b', 1, 8_030_261_248],
  ['llama-3.1-8b', 2, 8_030_261_248],
  ['llama-3.1-8b', 8, 8_030_261_248],
  ['llama-3.1-70b', 1, 70_553_706_496],
  ['llama-3.1-70b', 2, 70_553_706_496],
  ['llama-3.1-70b', 8, 70_553_706_496],
  ['llama-3.3-70b', 8, 70_553_706_496],
  ['llama-3.1-405b', 8, 405_853_388_800],
]

describe('a published shape', () => {
  it.each(table)('%s on %i ranks has the stored plan', async (shape, ranks, parameters) => {
    const plan = await planOf(`${shapes}/${shape}`, ranks)
    const { config } = await parseModelConfig(`${shapes}/${shape}`)
    expectGolden(`${shape}.tp${ranks}`, withoutMiddle(printPlan(plan), config.numLayers))
    if (ranks === 1) {
      const stored = plan.params.filter(({ kind }) => kind !== 'derived')
      expect(stored.reduce((sum, { rows, columns }) => sum + rows * columns, 0)).toBe(parameters)
    }
  })

  it.each(['llama-3.2-1b', 'llama-3.1-405b'])('%s compiles without passes', async (shape) => {
    const plain = await planOf(`${shapes}/${shape}`, 8, ['all'])
    const fused = await planOf(`${shapes}/${shape}`, 8)
    expect(fused.nodes.length).toBeLessThan(plain.nodes.length)
    expect(fused.pools).toEqual(plain.pools)
  })

  it('compiles 405b in well under 5 s', async () => {
    const start = performance.now()
    await planOf(`${shapes}/llama-3.1-405b`, 8)
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

describe('a golden variant', () => {
  it.each(goldenVariants())('%s compiles on 1 and 2 ranks', async (variant) => {
    const one = await planOf(`${goldensDirectory}/${variant}`, 1)
    expect(one.pools).toHaveLength(1)
    // One key head is copied to both ranks.
    await planOf(`${goldensDirectory}/${variant}`, 2)
  })
})
