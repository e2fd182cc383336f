import { TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import type { EngineRequest } from './request.js'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'
import { referenceStream } from './testing/reference-stream.js'

describe('engine', () => {
  it('streams what the reference says, one token a step, and returns every page', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const request = bench.request(40, { maxTokens: 20, ignoreEos: true })
    bench.submit(request)
    bench.run()
    expect(bench.tokensOf(request.id)).toEqual(referenceStream(request, bench.engine.model).tokens)
    expect(bench.finishOf(request.id)).toMatchObject({
      reason: 'length',
      usage: { promptTokens: 40, completionTokens: 20, cachedTokens: 0 },
    })
    bench.expectQuiet()
  })

  it.each([1, 2] as const)(
    'stops at an end id with %i steps in flight and discards the row run too far',
    (depth) => {
      const bench = new EngineBench({ model: fakeModel({ vocabSize: 7 }), depth })
      const request = bench.request(5, { maxTokens: 200 })
      bench.submit(request)
      bench.run()
      const expected = referenceStream(request, bench.engine.model)
      expect(expected.reason).toBe('stop')
      expect(bench.tokensOf(request.id)).toEqual(expected.tokens)
      expect(bench.finishOf(request.id)).toMatchObject({ reason: 'stop', stopId: 0 })
      expect(bench.engine.stats().counters.overrunRows).toBe(depth - 1)
      bench.expectQuiet()
    },
  )

  it('does not sample end ids before minTokens', () => {
    const bench = new EngineBench({ model: fakeModel({ vocabSize: 3 }) })
    const request = bench.request(5, { maxTokens: 60, minTokens: 30 })
    bench.submit(request)
    bench.run()
    expect(bench.tokensOf(request.id).indexOf(0)).toBeGreaterThanOrEqual(30)
    expect(bench.tokensOf(request.id)).toEqual(referenceStream(request, bench.engine.model).tokens)
  })

  it('ends a request without maxTokens when the sequence is full', () => {
    const bench = new EngineBench({ model: fakeModel({ maxSeqLen: 50 }) })
    const request = bench.request(10, { ignoreEos: true })
    bench.submit(request)
    bench.run()
    expect(bench.tokensOf(request.id).length).toBe(40)
    expect(bench.finishOf(request.id)?.reason).toBe('length')
  })

  it('limits sequences to what the KV cache holds', () => {
    const bench = new EngineBench({ model: fakeModel({ maxSeqLen: 500, pools: [{ pages: 3, window: 0 }] }) })
    expect(bench.engine.model.maxSeqLen).toBe(96)
    expect(bench.engine.model.info.maxSeqLen).toBe(96)
  })

  it('does nothing while idle', () => {
    const bench = new EngineBench({ model: fakeModel() })
    bench.submit(bench.request(5, { maxTokens: 3, deadlineMs: 1000 }))
    bench.run()
    expect(bench.clock.numSoon).toBe(0)
    expect(bench.clock.numTimers).toBeLessThanOrEqual(1)
    bench.clock.advance(5000)
    bench.run()
    expect(bench.clock.numTimers).toBe(0)
    expect(bench.device.executed.steps).toBe(3)
  })

  it('cancels a queued, a prefilling and a decoding request and ends each once', () => {
    const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 2, maxNumTokens: 16 }) })
    const decoding = bench.submit(bench.request(4, { maxTokens: 50, ignoreEos: true }))
    const prefilling = bench.submit(bench.request(100, { maxTokens: 50 }))
    const queued = bench.submit(bench.request(4, { maxTokens: 50 }))
    for (let i = 0; i < 3; i++) bench.step()
    expect(bench.tokensOf(decoding.id).length).toBeGreaterThan(0)
    for (const { id } of [decoding, prefilling, queued]) {
      bench.engine.cancel(id)
      bench.engine.cancel(id)
    }
    bench.run()
    for (const { id } of [decoding, prefilling, queued]) expect(bench.finishOf(id)?.reason).toBe('cancelled')
    bench.expectQuiet()
  })

  it('spends no step on a request that expired in the queue', () => {
    const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 1 }) })
    bench.submit(bench.request(4, { maxTokens: 10, ignoreEos: true }))
    const late = bench.submit(bench.request(4, { maxTokens: 10, deadlineMs: 50 }))
    bench.step()
    bench.clock.advance(60)
    bench.run()
    expect(bench.finishOf(late.id)?.error?.code).toBe('deadline_exceeded')
    expect(bench.device.executed.sampled).toBe(10)
    bench.expectQuiet()
  })

  it('ends a running request at its deadline', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const request = bench.submit(bench.request(4, { maxTokens: 100, ignoreEos: true, deadlineMs: 20 }))
    for (let i = 0; i < 5; i++) bench.step()
    bench.clock.advance(25)
    bench.run()
    expect(bench.finishOf(request.id)?.error?.code).toBe('deadline_exceeded')
    bench.expectQuiet()
  })

  it('fails only the requests of a failed step', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const first = bench.submit(bench.request(4, { maxTokens: 10, ignoreEos: true }))
    bench.device.failStep(3, new TrtllmError('internal', 'rms-norm at layers.0 failed'))
    bench.run()
    const second = bench.submit(bench.request(4, { maxTokens: 10, ignoreEos: true }))
    bench.run()
    expect(bench.finishOf(first.id)?.error).toMatchObject({ code: 'internal', message: /rms-norm/ })
    expect(bench.finishOf(second.id)?.reason).toBe('length')
    expect(bench.tokensOf(second.id)).toEqual(referenceStream(second, bench.engine.model).tokens)
    bench.expectQuiet()
  })

  it.each([1, 2, 3])('fails only the requests of a step that could not be submitted (step %i)', (number) => {
    const bench = new EngineBench({ model: fakeModel() })
    bench.device.refuseStep(number, new TrtllmError('out_of_range', 'the step does not fit'))
    const first = bench.submit(bench.request(40, { maxTokens: 10, ignoreEos: true }))
    bench.run()
    const second = bench.submit(bench.request(40, { maxTokens: 10, ignoreEos: true }))
    bench.run()
    expect(bench.finishOf(first.id)?.error?.code).toBe('out_of_range')
    expect(bench.tokensOf(second.id)).toEqual(referenceStream(second, bench.engine.model).tokens)
    bench.expectQuiet()
  })

  it('ends everything and says so once when the device is lost', () => {
    const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 1 }) })
    const running = bench.submit(bench.request(4, { maxTokens: 10, ignoreEos: true }))
    const queued = bench.submit(bench.request(4, { maxTokens: 10 }))
    bench.device.failStep(2, new TrtllmError('device_unavailable', 'the GPU fell off the bus'))
    bench.run()
    const late = bench.submit(bench.request(4, { maxTokens: 10 }))
    bench.run()
    expect(bench.faults.map(({ code }) => code)).toEqual(['device_unavailable'])
    expect(bench.finishOf(running.id)?.error?.code).toBe('device_unavailable')
    expect(bench.finishOf(queued.id)?.error?.code).toBe('engine_died')
    expect(bench.finishOf(late.id)?.error?.code).toBe('engine_died')
  })

  it('counts failed steps in a row and gives up at the third', () => {
    const bench = new EngineBench({ model: fakeModel(), depth: 1 })
    for (let step = 1; step <= 3; step++) {
      bench.device.failStep(step, new TrtllmError('internal', `failure ${step}`))
      bench.submit(bench.request(4, { maxTokens: 10 }))
      bench.run()
    }
    expect(bench.faults.length).toBe(1)
  })

  it('refuses a bad request alone', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const bad = bench.submit(bench.request(4, { maxTokens: 0 }))
    const good = bench.submit(bench.request(4, { maxTokens: 2, ignoreEos: true }))
    bench.run()
    expect(bench.finishOf(bad.id)?.error).toMatchObject({
      code: 'out_of_range',
      details: { field: 'maxTokens' },
    })
    expect(bench.finishOf(good.id)?.reason).toBe('length')
    expect(() => bench.submit({ ...good, id: 'again' }) && bench.submit({ ...good, id: 'again' })).toThrow(
      'is live',
    )
  })

  it('survives a request of a wrong shape', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const bad = bench.submit({ ...bench.request(4), badWords: 5 as unknown as number[][] })
    const worse = bench.submit({ id: 'worse' } as EngineRequest)
    bench.run()
    expect(bench.finishOf(bad.id)?.error?.code).toBe('invalid_request')
    expect(bench.finishOf(worse.id)?.error?.code).toBe('invalid_type')
    bench.expectQuiet()
  })

  it('drains on close, and refuses what comes later', async () => {
    const bench = new EngineBench({ model: fakeModel() })
    const before = bench.submit(bench.request(4, { maxTokens: 10, ignoreEos: true }))
    bench.step()
    const closed = bench.engine.close(true)
    const after = bench.submit(bench.request(4, { maxTokens: 10 }))
    bench.run()
    await closed
    expect(bench.device.closed).toBe(true)
    expect(bench.finishOf(before.id)?.reason).toBe('length')
    expect(bench.finishOf(after.id)?.error?.code).toBe('server_shutdown')
  })

  it('ends live requests when closed without draining', async () => {
    const bench = new EngineBench({ model: fakeModel() })
    const live = bench.submit(bench.request(4, { maxTokens: 100, ignoreEos: true }))
    bench.step()
    const closed = bench.engine.close(false)
    bench.run()
    await closed
    expect(bench.finishOf(live.id)?.error?.code).toBe('server_shutdown')
    bench.expectQuiet()
  })

  it.each(['RESERVE_AND_GROW', 'GUARANTEED_NO_EVICT'] as const)(
    'computes nothing twice of requests chosen outside while others wait (%s)',
    (policy) => {
      const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 4 }), policy, depth: 1 })
      const asked = Array.from({ length: 8 }, () =>
        bench.submit(bench.request(20, { maxTokens: 12, ignoreEos: true, chosenOutside: true })),
      )
      do bench.run()
      while (bench.answer() > 0)
      for (const { id } of asked) expect(bench.tokensOf(id)).toHaveLength(12)
      // The last token of an answer is never computed.
      expect(bench.device.executed.tokens).toBe(8 * (20 + 11))
      expect(bench.engine.stats().counters.pauses).toBe(0)
      bench.expectQuiet()
    },
  )

  it('sends logprobs and context logits as asked, also across a pause', () => {
    const model = fakeModel({
      maxBatchSize: 2,
      maxRows: 3,
      maxNumTokens: 40,
      maxSeqLen: 160,
      pools: [{ pages: 5, window: 0 }],
    })
    const bench = new EngineBench({ model, reserveTokens: 1 })
    bench.submit(bench.request(20, { ignoreEos: true }))
    const asking = bench.submit(
      bench.request(31, { ignoreEos: true, returnContextLogits: true, logprobs: 2 }),
    )
    bench.run()
    expect(bench.engine.stats().counters.pauses).toBeGreaterThan(0)
    const blocks = bench.outputsOf(asking.id).flatMap(({ contextLogits }) => contextLogits ?? [])
    expect(
      blocks.flatMap(({ firstPosition, rows }) => Array.from({ length: rows }, (_, i) => firstPosition + i)),
    ).toEqual(Array.from({ length: 31 }, (_, i) => i))
    for (const { rows, vocab, values } of blocks) expect(values.length).toBe(rows * vocab)
    const outputs = bench.outputsOf(asking.id)
    for (const { tokens, logprobs } of outputs) expect(logprobs?.length).toBe(tokens.length)
    expect(outputs.find(({ tokens }) => tokens.length > 0)?.logprobs?.[0]?.topIds.length).toBe(2)
    expect(bench.tokensOf(asking.id)).toEqual(referenceStream(asking, bench.engine.model).tokens)
    bench.expectQuiet()
  })

  it('reports iterations under TensorRT-LLM keys and forgets them when read', () => {
    const bench = new EngineBench({ model: fakeModel() })
    bench.submit(bench.request(70, { maxTokens: 4, ignoreEos: true }))
    bench.run()
    const { iterations, requests, gauges } = bench.engine.stats()
    expect(iterations.map(({ iter }) => iter)).toEqual([1, 2, 3, 4, 5])
    expect(iterations[0]?.inflightBatchingStats).toMatchObject({ numContextRequests: 1, numCtxTokens: 64 })
    expect(iterations[4]?.inflightBatchingStats).toMatchObject({ numGenRequests: 1, numCtxTokens: 0 })
    expect(iterations[4]).toMatchObject({
      numActiveRequests: 0,
      numCompletedRequests: 1,
      numQueuedRequests: 0,
    })
    expect(iterations[0]?.kvCacheStats).toMatchObject({ maxNumBlocks: 64, tokensPerBlock: 32 })
    expect(requests).toMatchObject([{ reason: 'length', promptTokens: 70, generatedTokens: 4 }])
    expect(gauges.quiescent).toBe(true)
    expect(bench.engine.stats().iterations).toEqual([])
  })
})
