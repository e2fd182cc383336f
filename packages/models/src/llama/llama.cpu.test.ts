import { rmSync } from 'node:fs'
import { Device } from '@trtllm/kernels'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenVariants, writeGoldenCheckpoint } from '../testing/golden-checkpoint.js'
import { expectGoldenLogits, goldenOf, teacherForced } from '../testing/golden-logits.js'
import { GoldenRun } from '../testing/golden-run.js'

let device: Device
beforeAll(() => {
  device = Device.open('cpu')
})
afterAll(() => device[Symbol.dispose]())

describe.each(goldenVariants())('%s on the CPU', (variant) => {
  const { prompts, meta } = goldenOf(variant)
  let directory: string
  beforeAll(() => {
    directory = writeGoldenCheckpoint(variant)
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('agrees with Transformers', async () => {
    using run = await GoldenRun.open(directory, device)
    for (const prompt of prompts) {
      const rows = await run.logits(teacherForced(prompt), 96, prompt.ids.length + meta.greedy_max)
      expectGoldenLogits(prompt, (i) => rows[i]!, 1e-3)
    }
  })

  it('gives the same bits in chunks of 33, and close ones without passes', async () => {
    using run = await GoldenRun.open(directory, device)
    using plain = await GoldenRun.open(directory, device, ['all'])
    const prompt = prompts[1]!
    const total = prompt.ids.length + meta.greedy_max
    const whole = await run.logits(teacherForced(prompt), 96, total)
    expect(await run.logits(teacherForced(prompt), 33, total)).toEqual(whole)
    const unfused = await plain.logits(teacherForced(prompt), 96, total)
    expectGoldenLogits(prompt, (i) => unfused[i]!, 1e-3)
  })
})
