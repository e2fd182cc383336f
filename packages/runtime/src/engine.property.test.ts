import { TrtllmError } from '@trtllm/kernels'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EngineRequest } from './request.js'
import type { CapacityPolicy } from './scheduler/budget.js'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'
import { referenceStream } from './testing/reference-stream.js'

const request = fc.record({
  prompt: fc.integer({ min: 1, max: 90 }),
  maxTokens: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 1 }),
  minTokens: fc.integer({ min: 0, max: 3 }),
  ignoreEos: fc.boolean(),
  returnContextLogits: fc.boolean(),
  stopIds: fc.option(fc.constant([3, 4]), { nil: undefined }),
  logitBias: fc.option(fc.constant([[5, 1.5] as const]), { nil: undefined }),
  badWords: fc.option(fc.constant([[1, 2], [9]]), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 1 }),
})

const act = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('arrive' as const), request }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish step' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('step' as const), count: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 20 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      inSteps: fc.integer({ min: 1, max: 3 }),
      early: fc.boolean(),
    }),
  },
)

const world = fc.record({
  acts: fc.array(act, { minLength: 5, maxLength: 60, size: 'max' }),
  depth: fc.constantFrom<1 | 2>(1, 2),
  maxBatchSize: fc.integer({ min: 1, max: 6 }),
  spareTokens: fc.integer({ min: 0, max: 60 }),
  spareRows: fc.integer({ min: 0, max: 6 }),
  spareSlots: fc.integer({ min: 0, max: 2 }),
  pages: fc.integer({ min: 5, max: 11 }),
  twoPools: fc.boolean(),
  policy: fc.constantFrom<CapacityPolicy>('RESERVE_AND_GROW', 'RESERVE_AND_GROW', 'GUARANTEED_NO_EVICT'),
  reserveTokens: fc.integer({ min: 1, max: 30 }),
})

type World = typeof world extends fc.Arbitrary<infer W> ? W : never

function benchOf(w: World): EngineBench {
  const pools = [{ pages: w.pages, window: 0 }, ...(w.twoPools ? [{ pages: w.pages + 3, window: 17 }] : [])]
  const model = fakeModel({
    maxBatchSize: w.maxBatchSize,
    maxNumTokens: w.maxBatchSize + w.spareTokens,
    maxRows: w.maxBatchSize + w.spareRows,
    maxSeqLen: 160,
    vocabSize: 151,
    eosIds: [0, 150],
    spareSlots: w.spareSlots,
    pools,
  })
  const { depth, policy, reserveTokens } = w
  return new EngineBench({ model, depth, policy, reserveTokens, maxFailedSteps: 1_000_000 })
}

/** Lives through a world and checks all that must hold; returns how often each thing happened. */
function live(w: World): { pauses: number; reads: number } {
  const bench = benchOf(w)
  const requests: EngineRequest[] = []
  for (const one of w.acts) {
    if (one.do === 'arrive') {
      const { prompt, ...fields } = one.request
      const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
      requests.push(bench.submit(bench.request(prompt, given)))
    } else if (one.do === 'turn') bench.clock.runSoon()
    else if (one.do === 'finish step') bench.device.runNext()
    else if (one.do === 'step') for (let i = 0; i < one.count; i++) bench.step()
    else if (one.do === 'cancel' && requests.length > 0)
      bench.engine.cancel(requests[one.pick % requests.length]!.id)
    else if (one.do === 'advance') bench.clock.advance(one.ms)
    else if (one.do === 'fail') {
      const number = bench.device.numSubmitted + one.inSteps
      const error = new TrtllmError('internal', `step ${number} failed`)
      if (one.early) bench.device.refuseStep(number, error)
      else bench.device.failStep(number, error)
    }
    bench.engine.check()
  }
  bench.run()
  bench.expectQuiet()
  for (const sent of requests) {
    const expected = referenceStream(sent, bench.engine.model)
    const tokens = bench.tokensOf(sent.id)
    const finish = bench.finishOf(sent.id)
    expect(tokens).toEqual(expected.tokens.slice(0, tokens.length))
    expect(finish?.usage).toEqual({
      promptTokens: sent.promptIds.length,
      completionTokens: tokens.length,
      cachedTokens: 0,
    })
    if (finish?.reason === 'stop' || finish?.reason === 'length') {
      expect(finish.reason).toBe(expected.reason)
      expect(tokens.length).toBe(expected.tokens.length)
      const positions = bench
        .outputsOf(sent.id)
        .flatMap(({ contextLogits: block }) =>
          Array.from({ length: block?.rows ?? 0 }, (_, i) => block!.firstPosition + i),
        )
      const wanted = sent.returnContextLogits ? sent.promptIds.length : 0
      expect(positions).toEqual(Array.from({ length: wanted }, (_, i) => i))
    }
  }
  return { pauses: bench.engine.stats().counters.pauses, reads: bench.device.reads.total }
}

describe('engine under random lives', () => {
  // In parts, each well inside the lane's time limit on a busy machine.
  it.each([1, 2, 3, 4])('ends every request once, loses no page and reads nothing foreign (part %i)', () => {
    let pauses = 0
    let reads = 0
    const once = fc.property(world, (w) => {
      const lived = live(w)
      pauses += lived.pauses
      reads += lived.reads
    })
    fc.assert(once, { numRuns: 125 })
    // The property says little if nothing was paused or read.
    expect(pauses).toBeGreaterThan(20)
    expect(reads).toBeGreaterThan(500_000)
  })

  it('gives equal streams for every depth, batch, chunk budget and pool size', () => {
    const prompts = [1, 31, 32, 33, 64, 90, 7, 50]
    const streams = (depth: 1 | 2, maxBatchSize: number, spareTokens: number, pages: number) => {
      const bench = benchOf({
        acts: [],
        depth,
        maxBatchSize,
        spareTokens,
        spareRows: 0,
        spareSlots: 1,
        pages,
        twoPools: true,
        policy: 'RESERVE_AND_GROW',
        reserveTokens: 8,
      })
      const sent = prompts.map((tokens) =>
        bench.submit(bench.request(tokens, { ignoreEos: tokens % 2 === 0 })),
      )
      bench.run()
      bench.expectQuiet()
      return sent.map(({ id }) => bench.tokensOf(id))
    }
    const alone = streams(1, 1, 200, 20)
    for (const depth of [1, 2] as const) {
      for (const maxBatchSize of [1, 3, 8]) {
        for (const spareTokens of [0, 5, 200]) {
          for (const pages of [5, 9, 40])
            expect(streams(depth, maxBatchSize, spareTokens, pages)).toEqual(alone)
        }
      }
    }
  })
})
