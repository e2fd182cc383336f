import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type PlannedModel, planModelMemory } from '../src/plan/plan-model-memory.js'
import { memoryText, planJson, planText } from '../src/plan/plan-text.js'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const shape = (name: string) => path(`../../../benchmarks/shapes/${name}`)

/** Compares with the stored text; `UPDATE_GOLDENS=1` stores a new one. Nodes have goldens of their own in models. */
function expectGolden(name: string, planned: PlannedModel): void {
  const file = path(`goldens/plan/${name}.txt`)
  const text = `${planText(planned, { graph: false })}\n${memoryText(planned)}`
  if (process.env.UPDATE_GOLDENS === '1') writeFileSync(file, text)
  expect(existsSync(file), `${file} is missing; run with UPDATE_GOLDENS=1`).toBe(true)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

describe('the plan of a published shape', () => {
  it.each([
    ['tinyllama-1.1b', 1],
    ['llama-3.2-1b', 1],
    ['llama-3.1-8b', 1],
    ['llama-3.1-70b', 1],
    ['llama-3.1-70b', 2],
    ['llama-3.1-70b', 8],
    ['llama-3.3-70b', 8],
    ['llama-3.1-405b', 8],
  ])('%s on %i ranks is as stored', async (name, ranks) => {
    const startMs = performance.now()
    const planned = await planModelMemory({ model: shape(name), load: {}, ranks })
    expect(performance.now() - startMs).toBeLessThan(5000)
    expect(planned.compiled.graph.mesh).toEqual({ size: ranks, rank: 0 })
    expectGolden(`${name}.tp${ranks}`, planned)
  })

  it('does not fit where the weights do not, and says how many GPUs would do', async () => {
    const planned = await planModelMemory({ model: shape('llama-3.1-405b'), load: {}, ranks: 1 })
    expect(planned).toMatchObject({ pages: 0, kvBytes: 0 })
    expect(planned.refusal).toMatch(
      /^h200: need \d+\.\d\d GiB \(weights 755\.97 GiB, .*; on more GPUs: --tp 8$/,
    )
    expectGolden('llama-3.1-405b.tp1', planned)
  })

  it('is that of its config.json', async () => {
    const [one, other] = await Promise.all(
      [shape('llama-3.1-8b'), `${shape('llama-3.1-8b')}/config.json`].map((model) =>
        planModelMemory({ model, load: {}, ranks: 1 }),
      ),
    )
    expect(planText(one!, { graph: true })).toBe(planText(other!, { graph: true }))
    expect(planText(one!, { graph: true })).toContain('%2 = embed(')
  })
})

describe('what a plan is for', () => {
  const model = shape('llama-3.2-1b')
  const context = 540 * 2 ** 20

  it('follows the flags of loading', async () => {
    const load = { dtype: 'f32', maxBatchSize: 8, maxNumTokens: 100, maxSeqLen: 4096 } as const
    const planned = await planModelMemory({
      model,
      load: { ...load, disabledPasses: ['all'] },
      ranks: 1,
      gpuMemory: '24GiB',
    })
    expect(planJson(planned, { graph: false })).toMatchObject({
      model: 'llama-3.2-1b',
      architecture: 'LlamaForCausalLM',
      dtype: 'f32',
      passes: [],
      sizes: { maxBatchSize: 8, maxNumTokens: 100, maxSeqLen: 4096 },
      offer: { name: '24GiB', freeBytes: 24 * 2 ** 30 - context },
      memory: { contextBytes: context },
      // All that eight sequences can use.
      kvCache: { tokens: 8 * 4096, pageTokens: 32 },
      fits: true,
    })
  })

  it('sums up what is held beside the KV cache, room for penalties of every row included', async () => {
    const load = {
      quant: 'fp8',
      kvCacheDtype: 'fp8',
      maxBatchSize: 512,
      maxNumTokens: 8192,
      maxSeqLen: 768,
    } as const
    const { memory } = planJson(await planModelMemory({ model, load, ranks: 1 }), { graph: false })
    expect(memory.workspaceBytes).toBe(512 * 128_256 * 4)
    const { weightsBytes, arenaBytes, stateBytes, stepBytes } = memory
    const held = weightsBytes + arenaBytes + stateBytes + 2 * stepBytes + memory.workspaceBytes + context
    expect(memory.besideCacheBytes).toBe(held)
  })

  it('gives the KV cache the share it is told to', async () => {
    const planOf = (share: number) =>
      planModelMemory({ model, load: { kvCacheFreeGpuMemoryFraction: share }, ranks: 1 })
    const [half, all] = await Promise.all([planOf(0.4), planOf(0.8)])
    expect(half.kvBytes / all.kvBytes).toBeCloseTo(0.5, 3)
  })

  it('is a GPU that is not there when its memory is named', async () => {
    const planned = await planModelMemory({ model, load: { device: 'cuda' }, ranks: 1, gpuMemory: 'l40s' })
    expect(planned.compiled.device).toEqual({ kind: 'cuda', matrixLayout: 'strided' })
    const freeBytes = 46_068 * 2 ** 20 - context
    expect(planned.offer).toEqual({ kind: 'cuda', name: 'l40s', freeBytes, contextBytes: context })
  })

  it.each([
    [{ ranks: 3 }, 78, '--tp 3: model.layers.0.self_attn.q_proj: 32 heads do not divide over 3 ranks'],
    [
      { gpuMemory: 'h300' },
      64,
      '--gpu-memory h300: expected bytes, a size such as 80GiB, or one of b200, h200',
    ],
    [
      { load: { device: 'cpu' }, gpuMemory: 'h200' },
      64,
      '--gpu-memory h200: goes with --device null or cuda',
    ],
    [{ load: { device: 'tpu' } }, 64, 'device is "tpu", expected auto, cpu, cuda, cuda:N or null'],
    [{ load: { disabledPasses: ['fuse'] } }, 64, 'no pass is called fuse; there are merge-sibling-linears,'],
    [{ load: { maxSeqLen: 200_000 } }, 78, 'maxSeqLen 200000 is beyond the 131072 positions'],
    [{ model: '/nowhere/model' }, 65, '/nowhere/model: no such directory'],
  ])('refuses %j', async (fields, exitCode, message) => {
    const options = { model, load: {}, ranks: 1, ...fields }
    await expect(planModelMemory(options)).rejects.toMatchObject({
      exitCode,
      message: expect.stringContaining(message),
    })
  })
})
