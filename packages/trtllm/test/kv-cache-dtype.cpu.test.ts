import type { EngineRequest } from '@trtllm/runtime'
import { afterAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, type KvCacheDTypeName, LLM } from '../src/index.js'
import { answers } from './engine-answers.js'

const models = new Map<string, LLM>()
async function load(kvCacheDtype: KvCacheDTypeName, dtype: 'f32' | 'bf16'): Promise<LLM> {
  const key = `${kvCacheDtype} ${dtype}`
  const llm = models.get(key) ?? (await LLM.load(embeddedModelPath(), { device: 'cpu', dtype, kvCacheDtype }))
  models.set(key, llm)
  return llm
}
afterAll(() => Promise.all([...models.values()].map((llm) => llm.close())))

describe('a KV cache in fp8', () => {
  it('takes half the bytes of bf16 and answers as before', async () => {
    const [plain, small] = [await load('auto', 'bf16'), await load('fp8', 'bf16')]
    expect([plain.info.kvCacheDtype, small.info.kvCacheDtype]).toEqual(['bf16', 'fp8'])
    expect(small.info.memory.kvBytesPerToken).toBe(plain.info.memory.kvBytesPerToken / 2)
    const messages = [{ role: 'user', content: 'What is 12 + 30?' }]
    const [expected, found] = await Promise.all(
      [plain, small].map((llm) => llm.chat(messages, { maxTokens: 24, temperature: 0 })),
    )
    expect(found!.outputs[0]!.text).toBe(expected!.outputs[0]!.text)
  })

  it('moves the logits of a text a little', async () => {
    const text = 'Once upon a time there was a fox who lived at the edge of the wood.'
    const [plain, small] = [await load('auto', 'f32'), await load('fp8', 'f32')]
    const [expected, found] = [await plain.score(text), await small.score(text)]
    const differences = found.values.map((value, i) => Math.abs(value - expected.values[i]!))
    const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length
    expect(mean).toBeGreaterThan(0)
    expect(mean).toBeLessThan(0.25)
  })

  it('may be named by the dtype that the model computes in, and by no other', async () => {
    expect((await load('float32', 'f32')).info.kvCacheDtype).toBe('f32')
    await expect(
      LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'bf16', kvCacheDtype: 'f16' }),
    ).rejects.toMatchObject({
      code: 'contradictory_config',
      message:
        'kvCacheDtype f16 with dtype bf16: keys and values are kept in fp8 or in the dtype that the model computes in; use kvCacheDtype fp8 or auto, or dtype f16',
    })
  })

  it('gives the same bits with prefixes reused, parts of pages among them, in a batch and alone', async () => {
    const requests = [100, 101, 90, 33].map(
      (shared, i): EngineRequest => ({
        id: String(i),
        promptIds: Int32Array.from({ length: shared + 2 * i }, (_, at) =>
          at < shared ? 10 + at : 900 + at + i,
        ),
        maxTokens: 8,
        ignoreEos: true,
        logprobs: 0,
      }),
    )
    const changes = { kvCacheDtype: 'f8', kvCacheMaxTokens: 4096 } as const
    const bitsOf = (found: Awaited<ReturnType<typeof answers>>) => found.answers.map(({ bits }) => bits)
    const alone = requests.map((request) => [request])
    const reused = await answers(alone, changes, {})
    expect(reused.answers.some(({ cachedTokens }) => cachedTokens % 32 > 0)).toBe(true)
    expect(bitsOf(reused)).toEqual(bitsOf(await answers(alone, changes, { enableBlockReuse: false })))
    expect(bitsOf(reused)).toEqual(bitsOf(await answers([requests], changes, { enableBlockReuse: false })))
    expect(bitsOf(reused)).not.toEqual(bitsOf(await answers(alone, { kvCacheMaxTokens: 4096 }, {})))
  })
})
