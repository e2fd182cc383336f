import { fileURLToPath } from 'node:url'
import type { LoadOptions } from 'trtllm/plan-model'
import { expect, it } from 'vitest'
import { modelWorkOf } from '../src/bench/model-work.js'
import { planModelMemory } from '../src/plan/plan-model-memory.js'

const model = fileURLToPath(new URL('../../../benchmarks/shapes/llama-3.1-8b', import.meta.url))

const workWith = async (load: LoadOptions) =>
  modelWorkOf((await planModelMemory({ model, load, ranks: 1 })).compiled)

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
