import { expect, it } from 'vitest'
import { DrainedRing } from './stats.js'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'

it('keeps the newest entries and none after a read', () => {
  const ring = new DrainedRing<number>(3)
  for (let i = 1; i <= 5; i++) ring.push(i)
  expect(ring.drain()).toEqual([3, 4, 5])
  expect(ring.drain()).toEqual([])
  ring.push(6)
  expect(ring.drain()).toEqual([6])
})

it.each([1, 2] as const)('the device idles between steps, not between requests (%i in flight)', (depth) => {
  const bench = new EngineBench({ model: fakeModel(), depth })
  const rounds = 3
  for (let round = 0; round < rounds; round++) {
    bench.submit(bench.request(20, { maxTokens: 10, ignoreEos: true }))
    bench.submit(bench.request(5, { maxTokens: 4, ignoreEos: true }))
    bench.run()
  }
  const { steps, device } = bench.engine.stats().counters
  // The fake device works a millisecond at a step and waits 10 microseconds for it.
  expect(device.busyMicroseconds).toBe(1000 * steps)
  expect(device.followingSteps).toBe(steps - rounds)
  expect(device.idleMicroseconds).toBe(10 * device.followingSteps)
})

it('tells places of the KV cache that hold no token', () => {
  const bench = new EngineBench({ model: fakeModel(), depth: 1 })
  bench.submit(bench.request(31, { maxTokens: 4, ignoreEos: true }))
  bench.run()
  // 31 tokens in the first step, then 32, 33; the step that ends it is not counted.
  const { kvPlaces, kvTokens } = bench.engine.stats().counters
  expect([kvPlaces, kvTokens]).toEqual([32 + 32 + 64, 31 + 32 + 33])
})

it('counts every pause, also those of decisions that submit no step', () => {
  const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 1 }), depth: 1 })
  const beams = { width: 2, count: 1, lengthPenalty: 0, earlyStopping: 'full', diversityRate: 0 } as const
  bench.submit(bench.request(20, { maxTokens: 8, ignoreEos: true, beams }))
  bench.run()
  // The beams take turns in the one slot: a change of places for each token but the first.
  const { steps, pauses } = bench.engine.stats().counters
  expect([steps, pauses]).toEqual([1 + 2 * 7, 7])
})

it('tells with a step of the tokens chosen outside since the one before', () => {
  const bench = new EngineBench({ model: fakeModel(), depth: 1 })
  bench.submit(bench.request(20, { maxTokens: 4, ignoreEos: true, chosenOutside: true }))
  do bench.run()
  while (bench.answer() > 0)
  const told = bench.engine
    .stats()
    .iterations.map(({ inflightBatchingStats }) => inflightBatchingStats.avgNumDecodedTokensPerIter)
  expect(told).toEqual([0, 1, 1, 1])
})
