import { rmSync } from 'node:fs'
import { Device } from '@trtllm/kernels'
import {
  expectGoldenLogits,
  GoldenRun,
  goldenOf,
  goldenVariants,
  teacherForced,
  writeGoldenCheckpoint,
} from '@trtllm/models/testing'
import { readStoredWeights } from '@trtllm/quant'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// Checkpoints of f8 weights and scales, read as they are: what Transformers computes with f8 times scale in f32.
describe.each(goldenVariants().filter((name) => name.includes('/fp8')))('%s on the CPU', (variant) => {
  const { prompts, meta } = goldenOf(variant)
  let device: Device
  let directory: string
  beforeAll(() => {
    device = Device.open('cpu')
    directory = writeGoldenCheckpoint(variant)
  })
  afterAll(() => {
    rmSync(directory, { recursive: true })
    device[Symbol.dispose]()
  })

  it('agrees with Transformers', async () => {
    using run = await GoldenRun.open(directory, device, { readStored: readStoredWeights })
    expect(run.ops).toContain(variant.endsWith('blocks') ? 'linear-f8-blocks' : 'linear-f8')
    for (const prompt of prompts) {
      const rows = await run.logits(teacherForced(prompt), 96, prompt.ids.length + meta.greedy_max)
      expectGoldenLogits(prompt, (position) => rows[position]!, 1e-3 * Math.max(0.1, prompt.std))
    }
  })

  it('gives the same bits in chunks', async () => {
    using run = await GoldenRun.open(directory, device, { readStored: readStoredWeights })
    const ids = teacherForced(prompts[1]!)
    const whole = await run.logits(ids, 96, ids.length + 1)
    expect(await run.logits(ids, 7, ids.length + 1)).toEqual(whole)
  })
})
