import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedModelPath, LLM, type SamplingParams } from '../src/index.js'

let llm: LLM
beforeAll(async () => {
  llm = await LLM.load(embeddedModelPath(), { device: 'cpu', dtype: 'f32' })
})
afterAll(() => llm.close())

const tale = 'Once upon a time there was a little fox. The fox'

/** What the words of the parameters make of a row of logits: the rules one after another, in their order. */
function processed(logits: Float64Array, context: number[], promptLength: number, params: SamplingParams) {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, promptIgnoreLength = 0 } = params
  const { noRepeatNgramSize: size = 0, minTokens = 0, badTokenIds = [] } = params
  for (const [id, value] of (params.logitBias ?? []) as [number, number][]) logits[id]! += value
  for (const id of new Set(context.slice(promptIgnoreLength)))
    logits[id] = logits[id]! > 0 ? logits[id]! / repetitionPenalty : logits[id]! * repetitionPenalty
  const outputs = context.slice(promptLength)
  for (const id of new Set(outputs))
    logits[id]! -= presencePenalty + frequencyPenalty * outputs.filter((other) => other === id).length
  const tail = size > 1 ? context.slice(1 - size).join() : ''
  for (let at = 0; size > 0 && at + size <= context.length; at++)
    if (context.slice(at, at + size - 1).join() === tail) logits[context[at + size - 1]!] = -Infinity
  for (const ids of badTokenIds as number[][])
    if (context.slice(context.length - ids.length + 1).join() === ids.slice(0, -1).join())
      logits[ids.at(-1)!] = -Infinity
  if (outputs.length < minTokens) for (const id of [1, 3]) logits[id] = -Infinity
  return logits
}

const best = (logits: Float64Array) => logits.reduce((at, logit, id) => (logit > logits[at]! ? id : at), 0)

/** The greedy answer, and for each of its tokens what the rules make the best one. */
async function answerAndRules(params: SamplingParams) {
  const answer = await llm.generate(tale, { maxTokens: 40, ...params })
  const ids = answer.outputs[0]!.tokenIds
  const { promptTokenIds } = answer
  const context = [...promptTokenIds, ...ids]
  const { values, vocabSize } = await llm.score(context)
  const expected = ids.map((_, at) => {
    const row = promptTokenIds.length - 1 + at
    const logits = Float64Array.from(values.subarray(row * vocabSize, (row + 1) * vocabSize))
    return best(processed(logits, context.slice(0, row + 1), promptTokenIds.length, params))
  })
  return { ids, expected, context, promptTokenIds }
}

describe('every token is the best one after the rules', () => {
  it.each<[string, SamplingParams]>([
    ['none', {}],
    ['a repetition penalty', { repetitionPenalty: 1.4 }],
    ['a repetition penalty that leaves the prompt out', { repetitionPenalty: 1.4, promptIgnoreLength: 12 }],
    ['presence and frequency penalties', { presencePenalty: 0.9, frequencyPenalty: 0.7 }],
    ['no token twice', { noRepeatNgramSize: 1 }],
    ['no pair twice', { noRepeatNgramSize: 2 }],
    ['no triple twice', { noRepeatNgramSize: 3 }],
    ['a bias before a penalty', { logitBias: [[17, 9]], repetitionPenalty: 3 }],
    ['all together', { repetitionPenalty: 1.2, presencePenalty: 0.4, noRepeatNgramSize: 2, minTokens: 30 }],
  ])('%s', async (_, params) => {
    const { ids, expected } = await answerAndRules(params)
    expect(ids).toEqual(expected)
  })

  it('so that no run of ids comes twice', async () => {
    const plain = await answerAndRules({ minTokens: 40 })
    for (const size of [1, 2, 3]) {
      const { context, promptTokenIds } = await answerAndRules({ noRepeatNgramSize: size, minTokens: 40 })
      const seen = new Set<string>()
      for (let at = 0; at + size <= context.length; at++) {
        const run = context.slice(at, at + size).join()
        if (at + size > promptTokenIds.length) expect(seen).not.toContain(run)
        seen.add(run)
      }
    }
    const pairs = plain.context.slice(1).map((id, at) => `${plain.context[at]} ${id}`)
    expect(new Set(pairs).size, 'the plain answer repeats itself').toBeLessThan(pairs.length)
  })
})

describe('end ids', () => {
  it('endId takes the place of the model’s end ids, and -1 that of none', async () => {
    const plain = await llm.generate(tale, { maxTokens: 300 })
    expect(plain.outputs[0]).toMatchObject({ finishReason: 'stop', stopReason: null })
    const fifth = plain.outputs[0]!.tokenIds.findIndex((id, at, all) => at > 4 && all.indexOf(id) === at)
    const endId = plain.outputs[0]!.tokenIds[fifth]!
    const early = await llm.generate(tale, { maxTokens: 300, endId })
    expect(early.outputs[0]).toMatchObject({ finishReason: 'stop', stopReason: null })
    expect(early.outputs[0]!.tokenIds).toEqual(plain.outputs[0]!.tokenIds.slice(0, fifth + 1))
    const endless = await llm.generate(tale, { maxTokens: 300, endId: -1 })
    expect(endless.outputs[0]).toMatchObject({ finishReason: 'length' })
  })
})

describe('top_p that decays', () => {
  it('comes down to the best token, and starts anew after the reset id', async () => {
    const hot = { temperature: 2, topP: 0.95, seed: 5, maxTokens: 60, endId: -1 }
    const greedy = (await llm.generate(tale, { maxTokens: 60, endId: -1 })).outputs[0]!.tokenIds
    const decayed = (await llm.generate(tale, { ...hot, topPDecay: 1e-6 })).outputs[0]!.tokenIds
    const { values, vocabSize } = await llm.score([...llm.tokenizer.encode(tale), ...decayed])
    const first = llm.tokenizer.encode(tale).length
    // After the first token every one is the best.
    for (const [at, id] of decayed.entries()) {
      const row = Float64Array.from(values.subarray((first - 1 + at) * vocabSize, (first + at) * vocabSize))
      if (at > 0) expect(id).toBe(best(row))
    }
    expect(decayed).not.toEqual(greedy)
    const kept = (await llm.generate(tale, { ...hot, topPDecay: 1e-6, topPMin: 0.95 })).outputs[0]!.tokenIds
    expect(kept).toEqual((await llm.generate(tale, hot)).outputs[0]!.tokenIds)
    // A common token: what comes after each of its occurrences is drawn again, until the answers part.
    const counts = (id: number) => decayed.filter((other) => other === id).length
    const common = decayed.reduce((a, b) => (counts(b) > counts(a) ? b : a))
    const reset = (await llm.generate(tale, { ...hot, topPDecay: 1e-6, topPResetIds: common })).outputs[0]!
    const parting = reset.tokenIds.findIndex((id, at) => id !== decayed[at])
    expect(parting).toBeGreaterThan(0)
    expect(reset.tokenIds[parting - 1]).toBe(common)
  })
})
