import { embeddedModelPath } from 'trtllm'
import { expect, it } from 'vitest'
import { planModelMemory } from '../src/plan/plan-model-memory.js'
import { memoryText } from '../src/plan/plan-text.js'

it('plans for the memory of this machine and the layout of its processor', async () => {
  const planned = await planModelMemory({ model: embeddedModelPath(), load: { device: 'cpu' }, ranks: 1 })
  expect(planned.compiled.device).toEqual({ kind: 'cpu', matrixLayout: 'panel' })
  expect(planned.offer).toMatchObject({ kind: 'cpu', name: 'cpu' })
  expect(planned.sizes).toEqual({ maxBatchSize: 64, maxNumTokens: 512, maxSeqLen: 2048 })
  expect(memoryText(planned)).toMatch(/^memory plan\nmemory +\d+\.\d\d GiB {2}cpu$/m)
})
