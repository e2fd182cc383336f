import type { Finish, Output } from '@trtllm/runtime'
import { modelPath } from '@trtllm/tales'
import { loadTokenizer } from '@trtllm/text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OutputProcessor } from './output-processor.js'
import type { GenerationDelta } from './request-output.js'

const tokenizer = loadTokenizer(modelPath)
const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
const prompt = Int32Array.of(7, 8, 9, 10, 11)
const plain = {
  stop: [] as string[],
  stopTokenIds: [] as number[],
  includeStop: false,
  skipSpecialTokens: true,
  detokenize: true,
  minTokens: 0,
}
type Sampling = typeof plain

/** Outputs of an engine that gives these tokens in runs of the given lengths and ends for this reason. */
function outputs(
  tokens: number[],
  runs: number[],
  reason: 'stop' | 'length',
  withLogprobs = false,
): Output[] {
  const made: Output[] = []
  for (let from = 0, turn = 0; from < tokens.length || turn === 0; turn++) {
    const count = Math.max(1, runs[turn % Math.max(1, runs.length)] ?? 1)
    const some = tokens.slice(from, from + count)
    from += count
    const usage = { promptTokens: 5, completionTokens: tokens.length, cachedTokens: 2 }
    const finish: Finish = { reason, usage, ...(reason === 'stop' && { stopId: tokens.at(-1)! }) }
    const logprobs = some.map((id) => ({
      logprob: -id,
      rank: 1,
      topIds: Int32Array.of(id),
      topLogprobs: Float32Array.of(-id),
    }))
    made.push({
      id: 'r',
      tokens: Int32Array.from(some),
      ...(withLogprobs && { logprobs }),
      ...(turn === 0 && { cachedTokens: usage.cachedTokens }),
      ...(from >= tokens.length && { finish }),
    })
  }
  return made
}

/** Runs outputs to the first finish, as the caller does. */
function run(made: Output[], sampling: Partial<Sampling> = {}): GenerationDelta[] {
  const processor = new OutputProcessor(0, prompt, { ...plain, ...sampling }, tokenizer)
  const deltas: GenerationDelta[] = []
  for (const output of made) {
    const delta = processor.accept(output)
    if (delta) deltas.push(delta)
    if (delta?.finish) break
  }
  return deltas
}

const joined = (deltas: GenerationDelta[]) => ({
  text: deltas.map(({ text }) => text).join(''),
  tokenIds: deltas.flatMap(({ tokenIds }) => tokenIds),
  logprobs: deltas.flatMap(({ logprobs = [] }) => logprobs.map(({ id }) => id)),
  finish: deltas.at(-1)?.finish,
})

describe('outputs of the engine', () => {
  it('give the same answer however their tokens are grouped', () => {
    const token = fc.oneof(
      fc.integer({ min: 0, max: 4095 }),
      fc.constantFrom(...ids('the fox 👍🏽 said: "no"\n\n')),
    )
    const stops = fc.array(fc.constantFrom('fox', ' said', '\n\n', '👍', 'x s', '"no"\n'), { maxLength: 3 })
    fc.assert(
      fc.property(
        fc.array(token, { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
        fc.record({
          stop: stops,
          includeStop: fc.boolean(),
          skipSpecialTokens: fc.boolean(),
          minTokens: fc.nat(9),
        }),
        fc.constantFrom('stop', 'length'),
        (tokens, runs, sampling, reason) => {
          const whole = joined(run(outputs(tokens, [tokens.length], reason, true), sampling))
          expect(joined(run(outputs(tokens, runs, reason, true), sampling))).toEqual(whole)
          expect(whole.finish?.usage.completionTokens).toBe(whole.tokenIds.length)
          expect(whole.logprobs).toEqual(whole.tokenIds)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('are the same where tokens come alone', () => {
    for (const sampling of [{}, { stop: ['end'] }, { stop: ['end'], includeStop: true, minTokens: 9 }]) {
      const tokens = ids('A fox 👍🏽 came. The end. More of the end')
      const processor = new OutputProcessor(0, prompt, { ...plain, ...sampling }, tokenizer)
      const deltas: GenerationDelta[] = []
      for (const output of outputs(tokens, [1], 'length')) {
        const isAlone = !output.finish && output.cachedTokens === undefined
        const delta = isAlone ? processor.token(output.tokens[0]!) : processor.accept(output)
        if (delta) deltas.push(delta)
      }
      expect(joined(deltas)).toEqual(joined(run(outputs(tokens, [1], 'length'), sampling)))
    }
  })

  it('end at a stop string; the token that completes it is the last', () => {
    const tokens = ids('A fox came. The end. More')
    const text = joined(run(outputs(tokens, [1], 'length'), { stop: ['end'] }))
    expect(text).toMatchObject({ text: 'A fox came. The ', finish: { reason: 'stop', stopReason: 'end' } })
    const count = text.finish!.usage.completionTokens
    expect(tokenizer.decode(tokens.slice(0, count))).toContain('end')
    expect(tokenizer.decode(tokens.slice(0, count - 1))).not.toContain('end')
    expect(text.tokenIds).toEqual(tokens.slice(0, count))
    expect(joined(run(outputs(tokens, [1], 'length'), { stop: ['end'], includeStop: true })).text).toBe(
      'A fox came. The end',
    )
  })

  it('give out what might have been a stop string when the answer ends', () => {
    const tokens = ids('the en')
    expect(joined(run(outputs(tokens, [1], 'length'), { stop: ['end'] }))).toMatchObject({
      text: 'the en',
      finish: { reason: 'length', stopReason: null },
    })
  })

  it('leave the text of the end token out, keep its id, and name wanted stop ids', () => {
    const tokens = [...ids('done'), 3]
    const end = joined(run(outputs(tokens, [2], 'stop'), { skipSpecialTokens: false }))
    expect(end).toMatchObject({
      text: 'done',
      tokenIds: tokens,
      finish: { reason: 'stop', stopReason: null },
    })
    const kept = run(outputs(tokens, [2], 'stop'), { skipSpecialTokens: false, includeStop: true })
    expect(joined(kept).text).toBe('done<|im_end|>')
    expect(joined(run(outputs(tokens, [2], 'stop'), { stopTokenIds: [3] })).finish).toMatchObject({
      stopReason: 3,
    })
  })

  it('do not end at a stop string before minTokens', () => {
    const [fox] = ids(' fox')
    const tokens = Array.from({ length: 5 }, () => fox!)
    const { text } = joined(run(outputs(tokens, [1], 'length'), { stop: ['fox'], minTokens: 3 }))
    expect(text).toBe(' fox fox ')
  })

  it('show U+FFFD for a character that was never completed', () => {
    const [first] = ids('𝔘')
    const deltas = run(outputs([...ids('a'), first!], [1], 'length'))
    expect(deltas.map(({ text }) => text)).toEqual(['a', '\ufffd'])
  })

  it('are ids without text where no text is wanted', () => {
    expect(joined(run(outputs(ids('a b c'), [1], 'length'), { detokenize: false }))).toMatchObject({
      text: '',
      tokenIds: ids('a b c'),
    })
  })

  it('carry logprobs with the best alternatives, and usage', () => {
    const [delta] = run(outputs([7], [1], 'length', true))
    expect(delta).toEqual({
      index: 0,
      text: tokenizer.decode([7]),
      tokenIds: [7],
      logprobs: [{ id: 7, logprob: -7, rank: 1, top: [{ id: 7, logprob: -7 }] }],
      finish: {
        reason: 'length',
        stopReason: null,
        usage: { promptTokens: 5, completionTokens: 1, cachedTokens: 2 },
      },
    })
  })

  it('that failed throw the failure', () => {
    const usage = { promptTokens: 5, completionTokens: 0, cachedTokens: 0 }
    const error = { code: 'deadline_exceeded', message: 'too late' } as const
    const failed: Output = { id: 'r', tokens: new Int32Array(), finish: { reason: 'error', error, usage } }
    expect(() => run([failed])).toThrow(expect.objectContaining(error) as Error)
  })
})

describe('outputs that bring no text', () => {
  const usage = { promptTokens: 5, completionTokens: 0, cachedTokens: 0 }
  const empty: Output = { id: 'r', tokens: new Int32Array(0) }

  it('give ids alone where nothing is made into text', () => {
    const made = outputs([7, 8, 9], [1], 'length')
    const deltas = run(made, { detokenize: false })
    expect(deltas.map(({ text, tokenIds }) => [text, tokenIds])).toEqual([
      ['', [7]],
      ['', [8]],
      ['', [9]],
    ])
  })

  it('are nothing to tell, neither empty ones nor those after the end', () => {
    const processor = new OutputProcessor(0, prompt, plain, undefined)
    expect(processor.accept(empty)).toBeUndefined()
    expect(processor.accept({ ...empty, finish: { reason: 'cancelled', usage } })?.finish?.reason).toBe(
      'cancelled',
    )
    expect(processor.accept({ ...empty, tokens: Int32Array.of(7) })).toBeUndefined()
  })

  it('carry logits of the prompt', () => {
    const contextLogits = { firstPosition: 0, rows: 1, vocab: 2, values: Float32Array.of(1, 2) }
    const processor = new OutputProcessor(0, prompt, plain, tokenizer)
    expect(processor.accept({ ...empty, contextLogits })).toMatchObject({ contextLogits, text: '' })
  })

  it('throw the failure of the request, also one without a reason', () => {
    const failed = (finish: Partial<Finish>) => () =>
      new OutputProcessor(0, prompt, plain, tokenizer).accept({
        ...empty,
        finish: { reason: 'error', usage, ...finish },
      })
    expect(failed({})).toThrow('the engine gave no reason')
    expect(failed({ error: { code: 'deadline_exceeded', message: 'too late' } })).toThrow('too late')
  })
})
