import { fileURLToPath } from 'node:url'
import { type CompiledPlan, compile, nullPlanDevice, printPlan, trace } from '@trtllm/graph'
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from './model-config.js'
import { goldensDirectory, goldenVariants } from './testing/golden-checkpoint.js'
import { expectGolden, withoutMiddle } from './testing/plan-golden.js'

const shapes = fileURLToPath(new URL('../../../benchmarks/shapes', import.meta.url))
const sources = fileURLToPath(new URL('.', import.meta.url))

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

/** A published model: its layers repeat every `period`; parameters and bytes of a token in 16-bit caches are the published ones. */
interface Published {
  readonly family: string
  readonly ranks: readonly number[]
  readonly period?: number
  /** Layers before the first that repeats. Default 1. */
  readonly first?: number
  readonly parameters: number
  readonly kvBytes: number
}

const table: Readonly<Record<string, Published>> = {
  'tinyllama-1.1b': { family: 'llama', ranks: [1], parameters: 1_100_048_384, kvBytes: 22_528 },
  'llama-3.2-1b': { family: 'llama', ranks: [1, 2, 8], parameters: 1_235_814_400, kvBytes: 32_768 },
  'llama-3.1-8b': { family: 'llama', ranks: [1, 2, 8], parameters: 8_030_261_248, kvBytes: 131_072 },
  'llama-3.1-70b': { family: 'llama', ranks: [1, 2, 8], parameters: 70_553_706_496, kvBytes: 327_680 },
  'llama-3.3-70b': { family: 'llama', ranks: [8], parameters: 70_553_706_496, kvBytes: 327_680 },
  'llama-3.1-405b': { family: 'llama', ranks: [8], parameters: 405_853_388_800, kvBytes: 516_096 },
  'qwen2.5-0.5b': { family: 'qwen2', ranks: [1], parameters: 494_032_768, kvBytes: 12_288 },
  'qwen2.5-7b': { family: 'qwen2', ranks: [1, 4], parameters: 7_615_616_512, kvBytes: 57_344 },
  'qwen2.5-72b': { family: 'qwen2', ranks: [1, 8], parameters: 72_706_203_648, kvBytes: 327_680 },
  'qwen3-0.6b': { family: 'qwen3', ranks: [1], parameters: 596_049_920, kvBytes: 114_688 },
  'qwen3-8b': { family: 'qwen3', ranks: [1], parameters: 8_190_735_360, kvBytes: 147_456 },
  'qwen3-32b': { family: 'qwen3', ranks: [1, 8], parameters: 32_762_123_264, kvBytes: 262_144 },
  'qwen3-30b-a3b': { family: 'qwen3-moe', ranks: [1, 8], parameters: 30_532_122_624, kvBytes: 98_304 },
  'qwen3-235b-a22b': { family: 'qwen3-moe', ranks: [1, 8], parameters: 235_093_634_560, kvBytes: 192_512 },
  'qwen1.5-moe-a2.7b': { family: 'qwen2-moe', ranks: [1, 8], parameters: 14_315_784_192, kvBytes: 196_608 },
  'mixtral-8x7b': { family: 'mixtral', ranks: [1, 8], parameters: 46_702_792_704, kvBytes: 131_072 },
  'gpt-oss-20b': { family: 'gpt-oss', ranks: [1], period: 2, parameters: 20_914_757_184, kvBytes: 49_152 },
  'gpt-oss-120b': {
    family: 'gpt-oss',
    ranks: [1, 8],
    period: 2,
    parameters: 116_829_156_672,
    kvBytes: 73_728,
  },
  'gemma-2-2b': { family: 'gemma2', ranks: [1], period: 2, parameters: 2_614_341_888, kvBytes: 106_496 },
  'gemma-2-9b': { family: 'gemma2', ranks: [1], period: 2, parameters: 9_241_705_984, kvBytes: 344_064 },
  'gemma-2-27b': { family: 'gemma2', ranks: [1, 8], period: 2, parameters: 27_227_128_320, kvBytes: 376_832 },
  'gemma-3-1b': { family: 'gemma3', ranks: [1], period: 6, parameters: 999_885_952, kvBytes: 26_624 },
  'gemma-3-4b': { family: 'gemma3', ranks: [1], period: 6, parameters: 3_880_263_168, kvBytes: 139_264 },
  'gemma-3-12b': { family: 'gemma3', ranks: [1], period: 6, parameters: 11_766_034_176, kvBytes: 393_216 },
  'gemma-3-27b': { family: 'gemma3', ranks: [1, 8], period: 6, parameters: 27_009_346_304, kvBytes: 507_904 },
  'phi-3-mini-4k': { family: 'phi3', ranks: [1], parameters: 3_821_079_552, kvBytes: 393_216 },
  'phi-4': { family: 'phi3', ranks: [1, 2], parameters: 14_659_507_200, kvBytes: 204_800 },
  'phi-4-mini': { family: 'phi3', ranks: [1, 8], parameters: 3_836_021_760, kvBytes: 131_072 },
  'exaone-4.0-1.2b': { family: 'exaone4', ranks: [1], parameters: 1_279_391_488, kvBytes: 61_440 },
  'exaone-4.0-32b': {
    family: 'exaone4',
    ranks: [1, 8],
    period: 4,
    parameters: 32_003_216_384,
    kvBytes: 262_144,
  },
  'command-r': { family: 'cohere', ranks: [1], parameters: 34_980_831_232, kvBytes: 1_310_720 },
  'command-r-plus': { family: 'cohere', ranks: [1, 8], parameters: 103_810_674_688, kvBytes: 262_144 },
  'command-r7b': { family: 'cohere2', ranks: [1], period: 4, parameters: 8_028_033_024, kvBytes: 131_072 },
  'command-a': { family: 'cohere2', ranks: [8], period: 4, parameters: 111_057_580_032, kvBytes: 262_144 },
  'deepseek-v2-lite': { family: 'deepseek-v2', ranks: [1, 8], parameters: 15_706_484_224, kvBytes: 31_104 },
  'deepseek-r1': {
    family: 'deepseek-v3',
    ranks: [1, 8],
    first: 3,
    parameters: 671_026_419_200,
    kvBytes: 70_272,
  },
  'olmo-2-7b': { family: 'olmo2', ranks: [1, 8], parameters: 7_298_617_344, kvBytes: 524_288 },
  'olmo-2-32b': { family: 'olmo2', ranks: [1], parameters: 32_234_279_936, kvBytes: 262_144 },
}

const cases = Object.entries(table).flatMap(([shape, { ranks }]) =>
  ranks.map((count) => [shape, count] as const),
)

describe('a published shape', () => {
  it.each(cases)('%s on %i ranks has the stored plan', async (shape, ranks) => {
    const { family, period = 1, first, parameters, kvBytes } = table[shape]!
    const plan = await planOf(`${shapes}/${shape}`, ranks)
    const { config } = await parseModelConfig(`${shapes}/${shape}`)
    const text = withoutMiddle(printPlan(plan), config.numLayers, period, first)
    expectGolden(`${sources}/${family}/goldens/${shape}.tp${ranks}.plan.txt`, text)
    if (ranks > 1) return
    const stored = plan.params.filter(({ kind }) => kind !== 'derived')
    expect(stored.reduce((sum, { rows, columns, matrices = 1 }) => sum + matrices * rows * columns, 0)).toBe(
      parameters,
    )
    expect(plan.memory.kvBytesPerToken).toBe(kvBytes)
    // Norms are f32, and the few tables of ropes: nothing that counts.
    expect(Math.abs(plan.memory.weightsBytes / (2 * parameters) - 1)).toBeLessThan(1e-3)
  })

  it.each(['llama-3.2-1b', 'llama-3.1-405b', 'gemma-3-27b', 'exaone-4.0-32b', 'qwen3-235b-a22b'])(
    '%s compiles without passes',
    async (shape) => {
      const plain = await planOf(`${shapes}/${shape}`, 8, ['all'])
      const fused = await planOf(`${shapes}/${shape}`, 8)
      expect(fused.nodes.length).toBeLessThan(plain.nodes.length)
      expect(fused.pools).toEqual(plain.pools)
    },
  )

  it.each(['llama-3.1-405b', 'qwen3-235b-a22b'])('%s compiles in well under 5 s', async (shape) => {
    const start = performance.now()
    await planOf(`${shapes}/${shape}`, 8)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  it('whose heads do not divide over the ranks is refused with its numbers', async () => {
    await expect(planOf(`${shapes}/phi-4`, 8)).rejects.toThrow('10 heads do not divide over 8 ranks')
  })
})

describe('a golden variant', () => {
  it.each(goldenVariants())('%s compiles on 1 and 2 ranks', async (variant) => {
    const one = await planOf(`${goldensDirectory}/${variant}`, 1)
    const windows = one.graph.caches.map(({ window }) => window)
    expect(one.pools).toHaveLength(new Set(windows).size)
    // One key head is copied to both ranks.
    await planOf(`${goldensDirectory}/${variant}`, 2)
  })
})
