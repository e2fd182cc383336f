import { fileURLToPath } from 'node:url'
import { compile, nullPlanDevice, trace } from '@trtllm/graph'
import type { TrtllmError } from '@trtllm/kernels'
import { parseModelConfig } from '@trtllm/models'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EngineConfig } from './load-options.js'
import { type CompileSizes, type MemoryOffer, planMemory } from './memory-plan.js'
import { planLimits, type Sizes, wantedSizes } from './step-limits.js'

const gibibyte = 2 ** 30
const base: EngineConfig = { directory: '', device: 'auto', dtype: 'auto', quant: 'none', loadFormat: 'auto' }
const shape = (name: string) => fileURLToPath(new URL(`../../../benchmarks/shapes/${name}`, import.meta.url))

async function compilerOf(name: string, dtype: 'bf16' | 'f32'): Promise<CompileSizes> {
  const { definition, config } = await parseModelConfig(shape(name))
  return (sizes, { dtype: own = dtype, kvCacheDtype = own } = {}) =>
    compile(trace(definition, config, { dtype: own, cache: { dtype: kvCacheDtype } }), {
      limits: planLimits(sizes, 1),
      device: nullPlanDevice,
    })
}

let llama8b: CompileSizes
let tiny: CompileSizes
let tinyF32: CompileSizes
beforeAll(async () => {
  llama8b = await compilerOf('llama-3.1-8b', 'bf16')
  tiny = await compilerOf('tinyllama-1.1b', 'bf16')
  tinyF32 = await compilerOf('tinyllama-1.1b', 'f32')
})

const gpu = (freeGiB: number): MemoryOffer => ({
  kind: 'cuda',
  name: 'cuda:0',
  freeBytes: freeGiB * gibibyte,
})
const cpu = (freeGiB: number): MemoryOffer => ({ kind: 'cpu', name: 'cpu', freeBytes: freeGiB * gibibyte })
const large: Sizes = { maxBatchSize: 256, maxNumTokens: 8192, maxSeqLen: 131_072 }
const small: Sizes = { maxBatchSize: 64, maxNumTokens: 512, maxSeqLen: 2048 }

function refusal(plan: () => unknown): TrtllmError {
  try {
    plan()
  } catch (error) {
    return error as TrtllmError
  }
  throw new Error('it was not refused')
}

describe('planning memory', () => {
  it('gives the cache its share of what is left beside the weights', () => {
    const { pages, kvBytes, compiled, sizes } = planMemory(large, base, gpu(141), llama8b)
    expect(sizes).toEqual(large)
    const beside = 141 * gibibyte - compiled.memory.weightsBytes
    expect(kvBytes / beside).toBeGreaterThan(0.85)
    expect(kvBytes / beside).toBeLessThanOrEqual(0.9)
    expect(pages * 32 * compiled.memory.kvBytesPerToken).toBe(kvBytes)
    const half = planMemory(large, { ...base, kvCacheFreeGpuMemoryFraction: 0.45 }, gpu(141), llama8b)
    expect(half.pages / pages).toBeCloseTo(0.5, 2)
  })

  it('takes a quarter of the free memory on the CPU, 4 GiB at most, and no more than is of use', () => {
    const { memory } = tiny(small)
    const few = planMemory({ ...small, maxBatchSize: 1 }, base, cpu(64), tiny)
    expect(few.pages).toBe(2048 / 32)
    const most = planMemory({ ...small, maxBatchSize: 512, maxNumTokens: 512 }, base, cpu(64), tiny)
    expect(most.kvBytes).toBeGreaterThan(3.99 * gibibyte)
    expect(most.kvBytes).toBeLessThanOrEqual(4 * gibibyte)
    const quarter = planMemory({ ...small, maxBatchSize: 512, maxNumTokens: 512 }, base, cpu(8), tiny)
    expect(quarter.kvBytes / gibibyte).toBeCloseTo(2, 1)
    expect(memory.weightsBytes).toBeGreaterThan(2 * gibibyte)
  })

  it('lowers a context that nobody asked for to what fits', () => {
    const { sizes, pages } = planMemory(large, base, gpu(24), llama8b)
    expect(sizes.maxSeqLen).toBeLessThan(131_072)
    expect(sizes.maxSeqLen).toBeGreaterThan(8192)
    expect(pages * 32).toBeGreaterThanOrEqual(sizes.maxSeqLen)
    const few = planMemory(large, { ...base, kvCacheMaxTokens: 1000 }, gpu(141), llama8b)
    expect([few.sizes.maxSeqLen, few.pages]).toEqual([1024, 32])
  })

  it('refuses a context that was asked for and does not fit, saying which would', () => {
    const config = { ...base, maxSeqLen: 131_072 }
    const error = refusal(() => planMemory(large, config, gpu(24), llama8b))
    expect(error).toMatchObject({ code: 'out_of_memory', exitCode: 69 })
    expect(error.message).toMatch(
      /^cuda:0: need \d+\.\d\d GiB \(weights 14\.96 GiB, activations and step .*, KV cache of one sequence of 131072 tokens 16\.00 GiB\), have 24\.00 GiB free; /,
    )
    const maxSeqLen = Number(/would fit: maxSeqLen (\d+)/.exec(error.message)![1])
    expect(
      planMemory({ ...large, maxSeqLen }, { ...base, maxSeqLen }, gpu(24), llama8b).sizes.maxSeqLen,
    ).toBe(maxSeqLen)
  })

  it('names a smaller step where that would fit', () => {
    const [wanted, config] = [
      { ...large, maxSeqLen: 8192 },
      { ...base, maxSeqLen: 8192 },
    ]
    const error = refusal(() => planMemory(wanted, config, gpu(16.5), llama8b))
    const found = /maxBatchSize (\d+) with maxNumTokens (\d+)/.exec(error.message)!.map(Number)
    const sizes = { maxBatchSize: found[1]!, maxNumTokens: found[2]!, maxSeqLen: 8192 }
    expect(planMemory(sizes, config, gpu(16.5), llama8b).pages).toBeGreaterThanOrEqual(8192 / 32)
  })

  it('names bf16 where f32 is too large, and says so when nothing fits', () => {
    expect(refusal(() => planMemory(small, base, cpu(3.5), tinyF32)).message).toContain(
      'would fit: dtype bf16',
    )
    expect(refusal(() => planMemory(small, base, cpu(1), tiny)).message).toMatch(
      /have 1\.00 GiB free; .*no smaller batch or context would fit: use a device with more memory or a smaller model$/,
    )
  })
})

describe('a cache in fp8', () => {
  const inF8: CompileSizes = (sizes) => llama8b(sizes, { kvCacheDtype: 'f8' })

  it('holds twice the tokens of one in bf16', () => {
    const [plain, small] = [llama8b, inF8].map((compiler) => planMemory(large, base, gpu(141), compiler))
    expect(plain!.compiled.memory.kvBytesPerToken).toBe(32 * 2 * 8 * 128 * 2)
    expect(small!.compiled.memory.kvBytesPerToken).toBe(32 * 2 * 8 * 128)
    expect(small!.pages / plain!.pages).toBeCloseTo(2, 3)
  })

  it('is named where it would fit', () => {
    const config = { ...base, maxSeqLen: 100_000 }
    const wanted = { ...large, maxSeqLen: 100_000 }
    const message = (compiler: CompileSizes) =>
      refusal(() => planMemory(wanted, config, gpu(26), compiler)).message
    expect(message(llama8b)).toMatch(/would fit: .*kvCacheDtype fp8/)
    expect(planMemory(wanted, config, gpu(26), inF8).pages).toBeGreaterThanOrEqual(100_000 / 32)
    const tooMuch = { ...wanted, maxSeqLen: 131_072 }
    expect(refusal(() => planMemory(tooMuch, config, gpu(18), inF8)).message).not.toContain('fp8')
  })
})

describe('sizes', () => {
  it('have defaults by device', () => {
    expect(wantedSizes(base, 'cuda', 4096)).toEqual({
      maxBatchSize: 256,
      maxNumTokens: 8192,
      maxSeqLen: 4096,
    })
    expect(wantedSizes(base, 'cpu', 4096)).toEqual({ maxBatchSize: 64, maxNumTokens: 512, maxSeqLen: 4096 })
  })

  it('follow the one that was given', () => {
    expect(wantedSizes({ ...base, maxBatchSize: 1000 }, 'cpu', 99)).toMatchObject({ maxNumTokens: 1000 })
    expect(wantedSizes({ ...base, maxNumTokens: 8 }, 'cpu', 99)).toMatchObject({ maxBatchSize: 8 })
  })

  it.each([
    [{ maxSeqLen: 4097 }, 'maxSeqLen 4097 is beyond the 4096 positions'],
    [{ maxBatchSize: 9, maxNumTokens: 8 }, 'maxBatchSize 9 is above maxNumTokens 8'],
  ])('that contradict each other are refused: %j', (fields, message) => {
    expect(() => wantedSizes({ ...base, ...fields }, 'cpu', 4096)).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringContaining(message) }) as Error,
    )
  })
})
