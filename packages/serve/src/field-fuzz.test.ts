import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes, isErrorCode } from './errors/error-codes.js'
import { chatFields } from './fields/chat-fields.js'
import { completionFields } from './fields/completion-fields.js'
import { defaultLimits } from './limits.js'
import {
  chatRules,
  completionRules,
  type FieldRule,
  hostileValues,
  sharedRules,
} from './testing/field-rules.js'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

const isSoak = process.env.TRTLLM_SOAK === '1'

let server: EchoServer
beforeAll(async () => {
  server = await startEchoServer()
})
afterAll(() => server.stop())

const endpoints = [
  {
    path: '/v1/completions',
    base: { prompt: 'hi' },
    rules: { ...sharedRules, ...completionRules },
    registry: completionFields(defaultLimits),
  },
  {
    path: '/v1/chat/completions',
    base: { messages: [{ role: 'user', content: 'hi' }] },
    rules: { ...sharedRules, ...chatRules },
    registry: chatFields(defaultLimits),
  },
]

/** Posts and checks what every answer must be; the error of a refusal. */
async function ask(path: string, body: string): Promise<{ code: string; param: string | null } | undefined> {
  const { response, text } = await server.post(path, body)
  if (response.status === 200) {
    expect(text).not.toContain('"error"')
    return undefined
  }
  const { error, request_id, ...rest } = JSON.parse(text)
  expect(rest).toEqual({})
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
  const isTyped =
    isErrorCode(error.code) && errorCodes[error.code as keyof typeof errorCodes].type === error.type
  expect([isTyped, error.code]).toEqual([true, error.code])
  expect(request_id).toBe(response.headers.get('x-request-id'))
  expect([400, 404, 413]).toContain(response.status)
  expect(error.message).toMatch(/^.{1,1000}$/s)
  return error
}

async function canary(): Promise<void> {
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  const { text } = await server.post('/v1/completions', { prompt: 'hi' })
  expect(JSON.parse(text).choices[0].text).toBe('hi')
  expect([server.context.active.size, server.model.open.size]).toEqual([0, 0])
}

describe.each(endpoints)('fields of $path', ({ path, base, rules, registry }) => {
  test('each has a rule here', () => {
    expect(Object.keys(rules).sort()).toEqual(
      Object.keys(registry.shape)
        .filter((name) => name !== 'messages')
        .sort(),
    )
  })

  test('take what they take, and name themselves where they refuse', async () => {
    let refused = 0
    const wrong: string[] = []
    for (const [at, [name, rule]] of Object.entries<FieldRule>(rules).entries()) {
      for (const [which, json] of hostileValues.entries()) {
        // A tenth, another one for each field.
        if (!isSoak && (which + at) % 10 !== 0) continue
        const fields = {
          ...base,
          ...(name === 'prompt' && { prompt: undefined }),
          max_tokens: 2,
          ...rule.beside,
        }
        const own = Object.entries(fields).filter(([field, value]) => field !== name && value !== undefined)
        const members = own.map(([field, value]) => `${JSON.stringify(field)}:${JSON.stringify(value)}`)
        const error = await ask(path, `{${[...members, `"${name}":${json}`].join()}}`)
        const value = JSON.parse(json)
        const isMissing = value === null && name === 'prompt'
        const isTaken = !isMissing && (value === null || rule.takes(value))
        const named = error?.param?.split(/[.[]/)[0] ?? ''
        const isNamed = !error || [name, ...(rule.orNames ?? [])].includes(named)
        if ((error === undefined) !== isTaken || !isNamed)
          wrong.push(`${name}: ${json.slice(0, 60)}: ${error ? `${error.code} of '${named}'` : 'taken'}`)
        if (error) refused++
      }
    }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(isSoak ? 1000 : 100)
    await canary()
  }, 120_000)
})

test('bodies with bytes changed, cut, doubled or swapped are answered or refused by name, and harm nobody', async () => {
  const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } }
  const seeds = [
    { prompt: ['hi', 'ho'], n: 2, logprobs: 2, echo: true, stop: ['x', '\n'], logit_bias: { 5: 1 } },
    { messages: [{ role: 'user', content: 'hé 👍' }], tools: [tool], top_p: 0.5, logprobs: true },
  ].map((body) => JSON.stringify({ max_tokens: 2, ...body }))
  const pieces = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    'null',
    '1e999',
    '-',
    '\\u0000',
    '\\ud800',
    ' ',
    '0',
    '\u0000',
    'é',
  ]
  const change = fc.record({
    kind: fc.constantFrom('insert', 'replace', 'remove', 'double', 'cut'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(12),
    piece: fc.constantFrom(...pieces),
  })
  const story = fc.record({
    seed: fc.constantFrom(...seeds),
    changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  })
  let refused = 0
  const stories = fc.sample(story, { seed: 2101, numRuns: isSoak ? 20_000 : 2000 })
  for (const [number, { seed, changes }] of stories.entries()) {
    const path = seed.includes('"messages"') ? '/v1/chat/completions' : '/v1/completions'
    const body = changes.reduce((text, { kind, at: share, length, piece }) => {
      const at = Math.floor(share * text.length)
      const [before, after] = [text.slice(0, at), text.slice(at + length)]
      if (kind === 'insert') return before + piece + text.slice(at)
      if (kind === 'replace') return before + piece + after
      if (kind === 'remove') return before + after
      return kind === 'cut' ? before : text.slice(0, at + length) + text.slice(at)
    }, seed)
    if (await ask(path, body)) refused++
    if (number % 500 === 0) await canary()
  }
  expect(refused).toBeGreaterThan(500)
  await canary()
}, 300_000)
