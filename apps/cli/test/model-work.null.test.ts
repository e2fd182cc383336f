import { fileURLToPath } from 'node:url'
import type { LoadOptions } from 'trtllm/plan-model'
import { expect, it } from 'vitest'
import { callGroups } from '../src/bench/kernels/call-groups.js'
import { promptStep } from '../src/bench/kernels/filled-step.js'
import { kernelRow } from '../src/bench/kernels/kernels-report.js'
import { modelWorkOf } from '../src/bench/model-work.js'
import { planModelMemory } from '../src/plan/plan-model-memory.js'

const model = fileURLToPath(new URL('../../../benchmarks/shapes/llama-3.1-8b', import.meta.url))

const compiledWith = async (load: LoadOptions) => (await planModelMemory({ model, load, ranks: 1 })).compiled
const workWith = async (load: LoadOptions) => modelWorkOf(await compiledWith(load))

it('counts every linear but the head, whatever its weights are kept in and its op is called', async () => {
  const weights = 32 * (6144 * 4096 + 4096 * 4096 + 28_672 * 4096 + 4096 * 14_336)
  const head = { headBytes: 2 * 128_256 * 4096, headFlops: 2 * 128_256 * 4096 }
  const expected = { linearFlops: 2 * weights, ...head }
  expect(await workWith({})).toMatchObject({ ...expected, linearBytes: 2 * weights, linearsAreF8: false })
  expect(await workWith({ quant: 'int8' })).toMatchObject({ ...expected, linearBytes: weights })
  expect(await workWith({ quant: 'fp8' })).toMatchObject({
    ...expected,
    linearBytes: weights,
    linearsAreF8: true,
  })
})

it.each([
  ['auto', 100e12, false],
  ['fp8', 200e12, true],
] as const)(
  'holds attention over a KV cache in %s to the rate of its products',
  async (kvCacheDtype, rate, isF8) => {
    const compiled = await compiledWith({ kvCacheDtype })
    expect(modelWorkOf(compiled)).toMatchObject({ linearsAreF8: false, attentionIsF8: isF8 })
    const [attention] = callGroups(compiled, promptStep(8192)).filter(({ op }) => op === 'paged-attention')
    const constants = { copyBytesPerS: 1e15, floatFlopsPerS: 100e12, f8FlopsPerS: 200e12, leastKernelS: 0 }
    const row = kernelRow(attention!, { seconds: 1, kernel: '' }, constants)
    expect(row).toMatchObject({ calls: 32, bound_by: 'arithmetic' })
    // 32 heads of 128, the causal half of 8,192 x 8,192, two products.
    const flops = 4 * 32 * 128 * ((8192 * 8193) / 2)
    expect(row.bound_us / ((1e6 * flops) / rate)).toBeCloseTo(1, 3)
  },
)
