import { afterEach, describe, expect, it } from 'vitest'
import { embeddedModelPath } from '../src/embedded-model.js'
import { LLM } from '../src/llm.js'
import type { LoadOptions } from '../src/load-options.js'
import type { SamplingParams } from '../src/sampling-params.js'

let llm: LLM | undefined

async function load(options: LoadOptions): Promise<LLM> {
  llm = await LLM.load(embeddedModelPath(), { device: 'cpu', threads: 2, maxBatchSize: 4, ...options })
  return llm
}

afterEach(async () => {
  await llm?.close()
})

const prompt = 'Once upon a time there was a little fox who lived at the edge of a deep dark forest. '.repeat(
  3,
)
const params = { maxTokens: 12, temperature: 0.8, seed: 7, ignoreEos: true }

describe('options of the runtime', () => {
  it('share cached prefixes among requests of one salt only, and tell of them in events', async () => {
    const model = await load({ eventBufferMaxSize: 64 })
    const cached = async (cacheSalt?: string) =>
      (await model.generate(prompt, params, { cacheSalt })).usage.cachedTokens
    expect(await cached('a')).toBe(0)
    expect(await cached('a')).toBeGreaterThan(32)
    expect(await cached('b')).toBe(0)
    expect(await cached()).toBe(0)
    const events = await model.getKvCacheEvents()
    expect(events.map(({ event_id }) => event_id)).toEqual(events.map((_, index) => index))
    expect(events[0]!.data).toMatchObject({ type: 'created' })
    const stored = events.flatMap(({ data }) => (data.type === 'stored' ? data.blocks : []))
    expect(stored.length).toBeGreaterThanOrEqual(3)
    expect(new Set(stored.map(({ block_hash }) => block_hash)).size).toBe(stored.length)
    expect(await model.getKvCacheEvents()).toEqual([])
    expect((await model.getStats()).counters.reusedTokens).toBeGreaterThan(32)
  })

  it('tell of cached tokens whatever ends the answer', async () => {
    const model = await load({})
    const cached = async (more: SamplingParams = {}) => {
      const { outputs, usage } = await model.generate(prompt, { ...params, ...more })
      return [outputs[0]!.stopReason, usage.cachedTokens] as const
    }
    const [, none] = await cached()
    const [, byLength] = await cached()
    expect(none).toBe(0)
    expect(byLength).toBeGreaterThan(32)
    expect(await cached({ stop: ['e'] })).toEqual(['e', byLength])
    expect(await cached({ stop: ['e'], promptLogprobs: 0 })).toEqual(['e', 0])
    expect(await cached({ stop: ['e'], logprobs: 0 })).toEqual(['e', byLength])
  })

  it('change no answer', async () => {
    const prompts = Array.from({ length: 9 }, (_, i) => prompt.slice(0, 40 + 20 * i))
    const variants: LoadOptions[] = [
      {},
      { capacitySchedulerPolicy: 'GUARANTEED_NO_EVICT', contextChunkingPolicy: 'EQUAL_PROGRESS' },
      { capacitySchedulerPolicy: 'MAX_UTILIZATION', kvCacheMaxTokens: 256, maxSeqLen: 192 },
      { capacitySchedulerPolicy: 'STATIC_BATCH', prefixAwareScheduling: false },
      { enableBlockReuse: false, disableOverlapScheduler: true },
      { copyOnPartialReuse: false, batchWaitTimeoutMs: 5, batchWaitTimeoutIters: 2 },
    ]
    const answers: string[] = []
    for (const variant of variants) {
      const model = await load({ dtype: 'f32', maxNumTokens: 64, ...variant })
      const outputs = await model.generate(prompts, params, { priority: 0.7, fairnessKey: 'one' })
      answers.push(outputs.map(({ outputs: [first] }) => first!.tokenIds.join()).join('\n'))
      await model.close()
    }
    expect(new Set(answers).size).toBe(1)
  })

  it('name a field of a call that is out of range', async () => {
    const model = await load({})
    await expect(model.generate('a', {}, { priority: 2 })).rejects.toThrow(
      /priority is 2, expected a number of 0..1/,
    )
    await expect(
      model.generate('a', {}, { kvCacheRetentionConfig: { decodePriority: 101 } }),
    ).rejects.toThrow(/decodePriority is 101/)
  })
})
