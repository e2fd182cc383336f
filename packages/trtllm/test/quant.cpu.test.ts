import { afterAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, LLM } from '../src/index.js'

const prompt = 'What is 12 + 30?'
const models = new Map<string, LLM>()
async function load(quant: 'none' | 'fp8' | 'int8', dtype: 'f32' | 'bf16' = 'bf16'): Promise<LLM> {
  const key = `${quant} ${dtype}`
  const llm = models.get(key) ?? (await LLM.load(embeddedModelPath(), { device: 'cpu', dtype, quant }))
  models.set(key, llm)
  return llm
}
afterAll(() => Promise.all([...models.values()].map((llm) => llm.close())))

describe.each(['fp8', 'int8'] as const)('weights in %s', (quant) => {
  it('take half the bytes of bf16 and answer as before', async () => {
    const [plain, small] = [await load('none'), await load(quant)]
    // The embeddings and the head stay in bf16.
    expect(small.info.memory.weightsBytes).toBeLessThan(plain.info.memory.weightsBytes * 0.65)
    const messages = [{ role: 'user', content: prompt }]
    const [expected, found] = await Promise.all(
      [plain, small].map((llm) => llm.chat(messages, { maxTokens: 24, temperature: 0 })),
    )
    expect(found!.outputs[0]!.text).toBe(expected!.outputs[0]!.text)
  })

  it('move the logits of a text a little, and not at all with what runs beside it', async () => {
    const [plain, small] = [await load('none', 'f32'), await load(quant, 'f32')]
    const text = 'Once upon a time there was a fox who lived at the edge of the wood.'
    const [expected, alone] = [await plain.score(text), await small.score(text)]
    const differences = alone.values.map((value, i) => Math.abs(value - expected.values[i]!))
    const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length
    expect(mean).toBeGreaterThan(0)
    expect(mean).toBeLessThan(quant === 'fp8' ? 0.25 : 0.08)
    const [beside] = await Promise.all([
      small.score(text),
      small.generate('A tale', { maxTokens: 16 }),
      small.generate('The wolf', { maxTokens: 16 }),
    ])
    expect(beside.values).toEqual(alone.values)
  })
})
