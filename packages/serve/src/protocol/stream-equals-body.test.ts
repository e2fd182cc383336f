import fc from 'fast-check'
import type { GenerationDelta } from 'trtllm'
import { describe, expect, test } from 'vitest'
import { EchoModel } from '../testing/echo-model.js'
import { ChatBody } from './chat-body.js'
import { ChatChunks } from './chat-chunks.js'
import { CompletionBodyFormat, CompletionChunks } from './completion-output.js'

const isSoak = process.env.TRTLLM_SOAK === '1'
const model = new EchoModel()
const answer = { id: 'a', created: 1, model: 'echo' }
const usage = { promptTokens: 1, completionTokens: 1, cachedTokens: 0 }
const call = '<tool_call>{"name": "f", "arguments": {"city": "Köln 👍🏽", "n": [1, "]"]}}</tool_call>'

/** Characters that a stream must not cut or lose, calls, and what looks like the beginning of one. */
const piece = fc.oneof(
  fc.constantFrom(
    '👩‍👩‍👧',
    '👍🏽',
    'e\u0301',
    '你好',
    '\ufffd',
    '\u0000',
    '\u2028',
    '"',
    '\\',
    '\n\n',
    ' ',
    'x',
  ),
  fc.constantFrom(call, '<tool', '</tool_call>', '{"name": "g"', 'data: [DONE]', '</think>'),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))

/** The characters of a text in the given runs, a token each, the last with the end. */
function deltas(whole: string, runs: readonly number[], index: number): GenerationDelta[] {
  const characters = [...whole]
  const made: GenerationDelta[] = []
  for (let at = 0, turn = 0; at < characters.length; turn++) {
    const count = runs.length === 0 ? 1 : runs[turn % runs.length]!
    const id = (at + index) % 257
    const logprobs = [{ id, logprob: -at - 1, rank: 1, top: [{ id, logprob: -at - 1 }] }]
    made.push({ index, text: characters.slice(at, at + count).join(''), tokenIds: [id], logprobs })
    at += count
  }
  const finish = { reason: 'stop' as const, stopReason: null, usage }
  return [...made, { index, text: '', tokenIds: [], finish }]
}

const splits = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 })

/** Parses what a stream sends as a client does: each frame is JSON by itself and whole UTF-8. */
const parsed = (chunks: readonly string[]): Record<string, never>[] =>
  chunks.map((json) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(json))))

describe('a stream adds up to the body', () => {
  test('of a chat, with tool calls and without', () => {
    fc.assert(
      fc.property(text, splits, fc.boolean(), fc.boolean(), (whole, runs, tools, logprobs) => {
        const options = { model, choices: 1, tools, logprobs, promptLogprobs: undefined }
        const body = new ChatBody(answer, options)
        const stream = new ChatChunks(answer, options)
        for (const delta of deltas(whole, [], 0)) body.push(0, delta)
        const chunks = parsed(deltas(whole, runs, 0).flatMap((delta) => stream.push(0, delta)))
        const calls: { name: string; arguments: string }[] = []
        let content = ''
        let finish: unknown
        const told: unknown[] = []
        for (const { choices } of chunks as never as { choices: StreamChoice[] }[]) {
          const { delta, finish_reason, logprobs: part } = choices[0]!
          content += delta.content ?? ''
          for (const { index, function: made } of delta.tool_calls ?? []) {
            calls[index] ??= { name: made.name ?? '', arguments: '' }
            calls[index].arguments += made.arguments
          }
          finish = finish_reason ?? finish
          told.push(...(part?.content ?? []))
        }
        const [choice] = body.body(usage).choices as never as [BodyChoice]
        expect(content.trim() === '' && calls.length > 0 ? null : content).toEqual(choice.message.content)
        expect(calls).toEqual((choice.message.tool_calls ?? []).map((each) => each.function))
        expect(finish).toBe(choice.finish_reason)
        if (logprobs && runs.length === 0) expect(told).toEqual(choice.logprobs?.content)
      }),
      { numRuns: isSoak ? 20_000 : 2000 },
    )
  })

  test('of a completion, of two choices in any order', () => {
    const options = {
      ...{ model, echoes: ['so: ', ''], logprobs: 1, echoesLogprobs: false, promptLogprobs: undefined },
      ...{ promptIds: [[1], [1]], choicesOfPrompt: 2 },
    }
    fc.assert(
      fc.property(text, text, splits, fc.array(fc.boolean()), (first, second, runs, order) => {
        const body = new CompletionBodyFormat(answer, options)
        const stream = new CompletionChunks(answer, options)
        const queues = [deltas(first, runs, 0), deltas(second, runs, 1)]
        const texts = ['', '']
        const tokens: string[][] = [[], []]
        const finish: unknown[] = []
        for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
          const wanted = order[turn % Math.max(1, order.length)] ? 1 : 0
          const choice = queues[wanted]!.length > 0 ? wanted : 1 - wanted
          const delta = queues[choice]!.shift()!
          body.push(choice, structuredClone(delta))
          for (const chunk of parsed(stream.push(choice, delta)) as never as { choices: TextChoice[] }[])
            for (const { index, text: part, logprobs, finish_reason } of chunk.choices) {
              texts[index] += part
              tokens[index]!.push(...(logprobs?.tokens ?? []))
              finish[index] = finish_reason ?? finish[index]
            }
        }
        const choices = body.body(usage).choices as never as TextChoice[]
        expect(texts).toEqual(choices.map((choice) => choice.text))
        expect(tokens).toEqual(choices.map((choice) => choice.logprobs?.tokens ?? []))
        expect(finish).toEqual(choices.map((choice) => choice.finish_reason))
      }),
      { numRuns: isSoak ? 20_000 : 2000 },
    )
  })
})

interface StreamChoice {
  delta: {
    content?: string
    tool_calls?: { index: number; function: { name?: string; arguments: string } }[]
  }
  logprobs: { content: unknown[] } | null
  finish_reason: string | null
}

interface BodyChoice {
  message: { content: string | null; tool_calls?: { function: { name: string; arguments: string } }[] }
  logprobs: { content: unknown[] } | null
  finish_reason: string | null
}

interface TextChoice {
  index: number
  text: string
  logprobs: { tokens: string[] } | null
  finish_reason: string | null
}
