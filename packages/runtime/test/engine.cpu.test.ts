import { Device } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../src/engine.js'
import { openEngine } from '../src/open-engine.js'
import type { EngineRequest, Output } from '../src/request.js'
import { SeededRandom } from '../src/testing/seeded-random.js'
import { eachOutput } from '../src/turn-outputs.js'
import { openToyModel, type ToySizes } from './toy-model.js'

interface Answer {
  readonly tokens: readonly number[]
  readonly logprobs: readonly number[]
  readonly reason: string | undefined
  readonly contextLogits: readonly number[]
}

/** Runs requests on the CPU backend, all at once, and returns their answers with the statistics. */
async function answer(requests: readonly EngineRequest[], sizes: ToySizes, depth: 1 | 2, reserveTokens = 16) {
  using device = Device.open('cpu', { threads: 2 })
  using model = openToyModel(device, sizes)
  const outputs = new Map<string, Output[]>(requests.map(({ id }) => [id, []]))
  let open = requests.length
  let [over, failed] = [() => {}, (_: unknown) => {}]
  const ended = new Promise<void>((resolve, reject) => ([over, failed] = [resolve, reject]))
  const engine = await openEngine(model, {
    maxInFlightSteps: depth,
    reserveTokens,
    onFault: (error) => failed(error),
    onOutputs: (batch) => {
      for (const output of eachOutput(batch)) {
        outputs.get(output.id)?.push(output)
        if (output.finish && --open === 0) over()
      }
    },
  })
  for (const request of requests) engine.submit(request)
  await ended
  engine.check()
  const { counters } = engine.stats()
  await engine.close(true)
  const answers = requests.map(({ id }): Answer => {
    const all = outputs.get(id)!
    return {
      tokens: all.flatMap(({ tokens }) => [...tokens]),
      logprobs: all.flatMap(({ logprobs = [] }) => logprobs.map(({ logprob }) => logprob)),
      reason: all.at(-1)?.finish?.reason,
      contextLogits: all.flatMap(({ contextLogits }) => [...(contextLogits?.values ?? [])]),
    }
  })
  return { answers, counters }
}

function someRequests(): EngineRequest[] {
  const random = new SeededRandom(7)
  return Array.from({ length: 10 }, (_, i) => ({
    id: `r${i}`,
    promptIds: Int32Array.from({ length: [1, 31, 32, 33, 64, 70, 5, 90, 12, 40][i]! }, () =>
      random.integer(1, 95),
    ),
    seed: i,
    logprobs: 3,
    ...(i % 2 === 0 && { temperature: 0.9, topP: 0.95, repetitionPenalty: 1.1 }),
    ...(i % 3 === 0 && { maxTokens: 30, minTokens: 4 }),
    ...(i % 4 === 1 && { ignoreEos: true }),
    ...(i === 5 && { returnContextLogits: true }),
  }))
}

describe('engine on the CPU backend', () => {
  it('gives the same bits alone, batched, chunked, paused and overlapped', async () => {
    const requests = someRequests()
    const alone: Answer[] = []
    for (const request of requests) {
      const { answers } = await answer([request], { maxBatchSize: 1, maxNumTokens: 192, pages: 8 }, 1)
      alone.push(answers[0]!)
    }
    expect(
      alone.every(({ tokens, logprobs }) => tokens.length > 0 && logprobs.length === tokens.length),
    ).toBe(true)
    expect(new Set(alone.flatMap(({ tokens }) => tokens)).size).toBeGreaterThan(20)
    expect(alone[5]!.contextLogits.length).toBe(70 * 96)
    for (const depth of [1, 2] as const) {
      const roomy = await answer(requests, { maxBatchSize: 8, maxNumTokens: 256, pages: 64 }, depth, 2048)
      expect(roomy.answers).toEqual(alone)
      expect(roomy.counters.pauses).toBe(0)
      const tight = await answer(requests, { maxBatchSize: 5, maxNumTokens: 19, pages: 8 }, depth)
      expect(tight.answers).toEqual(alone)
      expect(tight.counters.pauses).toBeGreaterThan(0)
    }
  })

  it('gives the same bits from shared pages, those of a window pool included', async () => {
    const random = new SeededRandom(11)
    const shared = Array.from({ length: 130 }, () => random.integer(1, 95))
    const requests = [130, 129, 97, 96, 70, 64, 33, 130].map((length, i): EngineRequest => {
      const own = Array.from({ length: 1 + i }, () => random.integer(1, 95))
      const promptIds = Int32Array.from([...shared.slice(0, length), ...own])
      return { id: `r${i}`, promptIds, seed: i, logprobs: 3, maxTokens: 20, temperature: (i % 2) * 0.9 }
    })
    const alone: Answer[] = []
    for (const request of requests) {
      const { answers, counters } = await answer(
        [request],
        { maxBatchSize: 1, maxNumTokens: 192, pages: 8 },
        1,
      )
      expect(counters.reusedTokens).toBe(0)
      alone.push(answers[0]!)
    }
    for (const [maxNumTokens, pages] of [
      [256, 64],
      [40, 64],
      [19, 8],
    ] as const) {
      const together = await answer(requests, { maxBatchSize: 5, maxNumTokens, pages }, 2)
      expect(together.answers).toEqual(alone)
      expect(together.counters.reusedTokens).toBeGreaterThan(100)
    }
  })

  it('survives a thousand requests with cancels, and returns every page', async () => {
    using device = Device.open('cpu', { threads: 2 })
    using model = openToyModel(device, { maxBatchSize: 8, maxNumTokens: 64, pages: 16 })
    const random = new SeededRandom(3)
    const finishes = new Map<string, number>()
    const engine: Engine = await openEngine(model, {
      reserveTokens: 8,
      onFault: (error) => {
        throw error
      },
      onOutputs: (outputs) => {
        for (const { id, finish } of eachOutput(outputs)) {
          if (finish) finishes.set(id, (finishes.get(id) ?? 0) + 1)
          else if (random.next() < 0.03) engine.cancel(id)
        }
      },
    })
    for (let i = 0; i < 1000; i++) {
      const promptIds = Int32Array.from({ length: random.integer(1, 60) }, () => random.integer(1, 95))
      engine.submit({
        id: `r${i}`,
        promptIds,
        seed: i,
        ...(random.next() < 0.5 && { maxTokens: random.integer(1, 30) }),
      })
    }
    await engine.close(true)
    engine.check()
    expect(engine.stats().gauges.quiescent).toBe(true)
    expect([...finishes.values()]).toEqual(Array.from({ length: 1000 }, () => 1))
  })
})
