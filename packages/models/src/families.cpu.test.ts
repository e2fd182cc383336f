import { rmSync } from 'node:fs'
import { Device } from '@trtllm/kernels'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenVariants, writeGoldenCheckpoint } from './testing/golden-checkpoint.js'
import { expectGoldenLogits, goldenDistance, goldenOf, teacherForced } from './testing/golden-logits.js'
import { GoldenRun, type GoldenText, type Piece } from './testing/golden-run.js'

// Every family's tiny models on the CPU: the answer of Transformers, and the same answer every way.
let device: Device
beforeAll(() => {
  device = Device.open('cpu')
})
afterAll(() => device[Symbol.dispose]())

describe.each(goldenVariants())('%s on the CPU', (variant) => {
  const { prompts, meta } = goldenOf(variant)
  const texts: GoldenText[] = prompts.map((prompt) => ({
    ids: teacherForced(prompt),
    totalTokens: prompt.ids.length + meta.greedy_max,
  }))
  const whole = (text: number): Piece => ({ text, from: 0, to: texts[text]!.ids.length })
  let directory: string
  let run: GoldenRun
  let alone: Float32Array[][]
  beforeAll(async () => {
    directory = writeGoldenCheckpoint(variant)
    run = await GoldenRun.open(directory, device)
    alone = await run.scheduled(
      texts,
      texts.map((_, text) => [whole(text)]),
    )
  })
  afterAll(() => {
    run[Symbol.dispose]()
    rmSync(directory, { recursive: true })
  })

  it('agrees with Transformers in f32', () => {
    for (const [i, prompt] of prompts.entries()) {
      expectGoldenLogits(prompt, (position) => alone[i]![position]!, 1e-3 * Math.max(0.1, prompt.std))
    }
  })

  it('is as near to f32 in bf16 as Transformers is', async () => {
    using half = await GoldenRun.open(directory, device, { dtype: 'bf16' })
    for (const [i, { ids, totalTokens }] of texts.entries()) {
      const rows = await half.logits(ids, 96, totalTokens)
      const prompt = prompts[i]!
      const { rms, max } = goldenDistance(prompt, (position) => rows[position]!)
      expect(rms).toBeLessThanOrEqual(1.5 * prompt.bf16.rms)
      expect(max).toBeLessThanOrEqual(2.5 * prompt.bf16.max)
    }
  })

  it.each([1, 7, 33])('gives the same bits in chunks of %i', async (chunk) => {
    const { ids, totalTokens } = texts[1]!
    expect(await run.logits(ids, chunk, totalTokens)).toEqual(alone[1])
  })

  it('gives the same bits in any batch and order', async () => {
    expect(await run.scheduled(texts, [[whole(2), whole(0), whole(1)]])).toEqual(alone)
    const long = texts[1]!.ids.length
    const mixed: Piece[][] = [
      [{ text: 1, from: 0, to: 40 }, whole(0)],
      [
        { text: 2, from: 0, to: 1 },
        { text: 1, from: 40, to: 41 },
      ],
      [
        { text: 1, from: 41, to: long },
        { text: 2, from: 1, to: texts[2]!.ids.length },
      ],
    ]
    expect(await run.scheduled(texts, mixed)).toEqual(alone)
  })

  it('gives close logits without passes', async () => {
    using plain = await GoldenRun.open(directory, device, { disabledPasses: ['all'] })
    for (const [i, { ids, totalTokens }] of texts.entries()) {
      const rows = await plain.logits(ids, 96, totalTokens)
      const prompt = prompts[i]!
      expectGoldenLogits(prompt, (position) => rows[position]!, 1e-3 * Math.max(0.1, prompt.std))
    }
  })
})
