import { describe, expect, it } from 'vitest'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'
import { collect, HostedFake } from './testing/hosted-fake.js'
import { referenceStream } from './testing/reference-stream.js'

const prompt = (length: number) => Int32Array.from({ length }, (_, i) => 1 + ((i * i) % 90))

describe('an engine that reuses prefixes', () => {
  it('computes only what is not cached and says so', () => {
    const bench = new EngineBench({ model: fakeModel(), enablePartialReuse: false })
    const ask = (salt?: string) => {
      const tenant = salt === undefined ? 0n : 1n << 32n
      const request = bench.submit({
        ...bench.request(1, { maxTokens: 4, ignoreEos: true }),
        promptIds: prompt(70),
        seed: tenant + 5n,
        ...(salt !== undefined && { cacheSalt: salt }),
      })
      const before = bench.device.executed.tokens
      bench.run()
      expect(bench.tokensOf(request.id)).toEqual(referenceStream(request, bench.engine.model).tokens)
      return [bench.finishOf(request.id)!.usage.cachedTokens, bench.device.executed.tokens - before]
    }
    expect(ask()).toEqual([0, 73])
    expect(ask()).toEqual([64, 9])
    expect(ask('a')).toEqual([0, 73])
    expect(ask('a')).toEqual([64, 9])
    const { counters, gauges, iterations } = bench.engine.stats()
    expect(counters.reusedTokens).toBe(128)
    expect(gauges).toMatchObject({ kvPagesIdle: 4, kvPagesFree: 64, quiescent: true })
    expect(iterations.at(-1)!.kvCacheStats).toMatchObject({
      maxNumBlocks: 64,
      reusedBlocks: 4,
      missedBlocks: 4,
      cacheHitRate: 0.5,
    })
    bench.engine.resetPrefixCache()
    expect(ask()).toEqual([0, 73])
    bench.expectQuiet()
  })

  it('copies the first tokens of a page where the device can', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const ask = (length: number, last: number) => {
      const promptIds = Int32Array.of(...prompt(length), last)
      const request = bench.submit({ ...bench.request(1, { maxTokens: 4 }), promptIds })
      bench.run()
      expect(bench.tokensOf(request.id)).toEqual(referenceStream(request, bench.engine.model).tokens)
      return bench.finishOf(request.id)!.usage.cachedTokens
    }
    expect([ask(70, 91), ask(50, 92), ask(20, 93), ask(64, 94)]).toEqual([0, 50, 20, 64])
    bench.expectQuiet()
  })

  it('continues a conversation from the pages of its own answer', () => {
    const bench = new EngineBench({ model: fakeModel({ vocabSize: 400 }) })
    const first = bench.submit({
      ...bench.request(1, { maxTokens: 60, ignoreEos: true }),
      promptIds: prompt(40),
    })
    bench.run()
    const promptIds = Int32Array.of(...first.promptIds, ...bench.tokensOf(first.id), 7, 8)
    const second = bench.submit({ ...bench.request(1, { maxTokens: 5 }), promptIds })
    bench.run()
    // The last token of an answer was never computed.
    expect(bench.finishOf(second.id)!.usage.cachedTokens).toBeGreaterThanOrEqual(96)
    bench.expectQuiet()
  })

  it('lets requests of equal prompts wait for the first of them', () => {
    const tokens = [true, false].map((prefixAware) => {
      const bench = new EngineBench({ model: fakeModel({ maxNumTokens: 64 }), prefixAware })
      for (let i = 0; i < 4; i++)
        bench.submit({ ...bench.request(1, { maxTokens: 2, ignoreEos: true }), promptIds: prompt(100) })
      bench.run()
      bench.expectQuiet()
      return bench.device.executed.tokens
    })
    expect(tokens[0]).toBeLessThan(tokens[1]!)
    expect(tokens[0]).toBeLessThanOrEqual(101 + 3 * 5)
  })

  it('wakes up for requests that wait for a fuller batch', () => {
    const bench = new EngineBench({ model: fakeModel(), batchWait: { timeoutMs: 20 } })
    const request = bench.submit(bench.request(5, { maxTokens: 2, ignoreEos: true }))
    bench.run()
    expect(bench.device.executed.steps).toBe(0)
    bench.clock.advance(20)
    bench.run()
    expect(bench.finishOf(request.id)?.reason).toBe('length')
    expect(bench.clock.numTimers).toBe(0)
  })

  it('ends a request with bad cache fields and names the field', () => {
    const bench = new EngineBench({ model: fakeModel() })
    const refused = (fields: object) => {
      const request = bench.submit(bench.request(4, fields))
      bench.run()
      return bench.finishOf(request.id)?.error?.details?.field
    }
    expect(refused({ cacheSalt: 5 })).toBe('cacheSalt')
    expect(refused({ priority: 2 })).toBe('priority')
    expect(refused({ fairnessWeight: 0 })).toBe('fairnessWeight')
    const tokenRanges = [{ tokenStart: 3, tokenEnd: 3, priority: 5 }]
    expect(refused({ kvCacheRetentionConfig: { tokenRanges } })).toBe(
      'kvCacheRetentionConfig.tokenRanges[0].tokenEnd',
    )
    expect(refused({ kvCacheRetentionConfig: { decodePriority: 101 } })).toBe(
      'kvCacheRetentionConfig.decodePriority',
    )
  })

  it('limits sequences by a window pool only when that is smaller than the window needs', () => {
    const maxSeqLen = (pages: number) => {
      const pools = [
        { pages: 64, window: 0 },
        { pages, window: 40 },
      ]
      return new EngineBench({ model: fakeModel({ maxSeqLen: 500, pools }) }).engine.model.maxSeqLen
    }
    expect([maxSeqLen(4), maxSeqLen(7)]).toEqual([128, 500])
  })
})

it('sends KV cache events over the protocol', async () => {
  const fake = new HostedFake({ options: { eventBufferMaxSize: 10 } })
  const outputs = collect(fake.client, fake.request('a', { promptIds: prompt(40) }))
  await fake.settle()
  await outputs
  const events = fake.client.getKvCacheEvents()
  await fake.settle()
  expect((await events).map(({ data }) => data.type)).toEqual(['created', 'stored'])
  const closed = fake.client.close()
  await fake.settle()
  await closed
  await expect(fake.client.getKvCacheEvents()).rejects.toThrow('shut down')
})
