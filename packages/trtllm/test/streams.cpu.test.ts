import { SeededRandom } from '@trtllm/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CompletionOutput,
  embeddedModelPath,
  LLM,
  type LoadOptions,
  type SamplingParams,
} from '../src/index.js'

const numStreams = 64
const numLeaving = 16
const longestPrompt = 400

/** One request, and what it gives when it runs alone. */
interface Solo {
  readonly prompt: number[]
  readonly params: SamplingParams
  /** The same answer without `maxTokens`: it ends by a token that comes nowhere before. */
  readonly unlimited: SamplingParams
  readonly answer: CompletionOutput
}

/** How a reader leaves: after so many deltas, by ending its loop or by its signal. None: while the first is awaited. */
interface Leave {
  readonly afterDeltas: number
  readonly by: 'loop' | 'signal'
}

const options: LoadOptions = { device: 'cpu', dtype: 'f32', threads: 2, maxSeqLen: 512 }
const solos: Solo[] = []
let llm: LLM
/** Its cache holds 24 pages; no request knows its end, so that running ones outgrow it and are paused. */
let small: LLM

beforeAll(async () => {
  llm = await LLM.load(embeddedModelPath(), options)
  small = await LLM.load(embeddedModelPath(), { ...options, kvCacheMaxTokens: 768, reserveTokens: 1 })
  const random = new SeededRandom(64)
  const words =
    'fox owl bear little old red ran saw and the a who lost found his her tale house. Then said'.split(' ')
  for (let at = 0; at < numStreams; at++) {
    const text = Array.from({ length: longestPrompt }, () => random.pick(words)).join(' ')
    // Mixed lengths: as many of 1..20 tokens as of 20..400.
    const length = Math.round(longestPrompt ** (at / (numStreams - 1)))
    const prompt = llm.tokenizer.encode(text).slice(0, length)
    const params = { maxTokens: random.integer(4, 64), ignoreEos: true }
    const answer = (await llm.generate(prompt, params)).outputs[0]!
    const { tokenIds } = answer
    const last = tokenIds.findLastIndex((id, place) => tokenIds.indexOf(id) === place)
    const unlimited = { ignoreEos: true, stopTokenIds: [tokenIds[last]!], includeStopStrInOutput: true }
    solos.push({ prompt, params, unlimited, answer })
  }
})
afterAll(() => Promise.all([llm.close(), small.close()]))

/** Reads one stream to its end; what it gives must be the beginning of what it gives alone. */
async function read(
  own: LLM,
  { prompt, params, answer }: Pick<Solo, 'prompt' | 'params' | 'answer'>,
  leave?: Leave,
) {
  const controller = new AbortController()
  const stream = own.generateStream(prompt, params, { signal: controller.signal })
  const tokenIds: number[] = []
  let text = ''
  let deltas = 0
  let finishes = 0
  let next = stream.next()
  try {
    while (true) {
      if (leave?.afterDeltas === deltas) {
        if (leave.by === 'signal') controller.abort('left')
        else void stream.return()
      }
      const { done, value } = await next
      if (done) break
      next = stream.next()
      deltas++
      expect(finishes).toBe(0)
      if (value.finish) finishes++
      text += value.text
      tokenIds.push(...value.tokenIds)
    }
  } catch (error) {
    if (error !== 'left') throw error
  }
  expect(answer.text.startsWith(text)).toBe(true)
  expect(answer.tokenIds.slice(0, tokenIds.length)).toEqual(tokenIds)
  return { text, tokenIds, finishes }
}

/** The gauges once nothing is in flight any more. */
async function gaugesAfter(own: LLM) {
  let { gauges } = await own.getStats()
  for (let turn = 0; turn < 10_000 && gauges.stepsInFlight > 0; turn++) gauges = (await own.getStats()).gauges
  return gauges
}

/** All streams at once in a random order; sixteen readers leave. Returns how often requests were paused. */
async function runTogether(
  own: LLM,
  seed: number,
  paramsOf: (solo: Solo) => SamplingParams,
): Promise<number> {
  const random = new SeededRandom(seed)
  const order = solos.map((_, at) => ({ at, key: random.next() })).sort((a, b) => a.key - b.key)
  const before = (await own.getStats()).counters
  const runs = order.map(async ({ at }, place) => {
    const solo = solos[at]!
    const params = paramsOf(solo)
    const answer = shortened(solo, params)
    if (place < numLeaving) {
      const most = answer.tokenIds.length - 1
      await read(
        own,
        { ...solo, params, answer },
        { afterDeltas: random.integer(0, most), by: random.pick(['loop', 'signal']) },
      )
      return
    }
    const { text, tokenIds, finishes } = await read(own, { ...solo, params, answer })
    expect(tokenIds).toEqual(answer.tokenIds)
    expect(text).toBe(answer.text)
    expect(finishes).toBe(1)
  })
  await Promise.all(runs)
  expect(await gaugesAfter(own)).toMatchObject({ running: 0, waiting: 0, paused: 0, quiescent: true })
  const { finished, pauses, requests } = (await own.getStats()).counters
  const ended = (counts: typeof finished) => Object.values(counts).reduce((sum, count) => sum + count)
  // A reader that leaves at once may be gone before its request is sent.
  expect(requests - before.requests).toBeGreaterThan(numStreams - numLeaving)
  expect(ended(finished) - ended(before.finished)).toBe(requests - before.requests)
  expect(finished.error).toBe(0)
  return pauses - before.pauses
}

/** The solo answer up to the token that ends it under other parameters. */
function shortened({ answer }: Solo, { stopTokenIds: [stop] = [] }: SamplingParams): CompletionOutput {
  if (stop === undefined) return answer
  const tokenIds = answer.tokenIds.slice(0, answer.tokenIds.indexOf(stop) + 1)
  return { ...answer, tokenIds, text: llm.tokenizer.decode(tokenIds, { skipSpecialTokens: true }) }
}

describe('64 streams at once of which 16 are left', () => {
  it.each(Array.from({ length: 15 }, (_, at) => at + 1))(
    'give what they give alone, seed %i',
    async (seed) => {
      expect(await runTogether(llm, seed, ({ params }) => params)).toBe(0)
    },
  )

  it.each([16, 17, 18, 19, 20])(
    'give it in a small cache, paused and computed again, seed %i',
    async (seed) => {
      expect(await runTogether(small, seed, ({ unlimited }) => unlimited)).toBeGreaterThan(0)
    },
  )
})
