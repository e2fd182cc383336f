import { expect, test } from 'vitest'
import { toApiError } from './api-error.js'

/** An error of a lower room, as it also looks after it crossed the engine protocol. */
const lower = (code: string, message: string, details = {}) =>
  Object.assign(new Error(message), { code, details })

test.each([
  ['maxTokens', 'max_tokens'],
  ['stopIds', 'stop_token_ids'],
  ['promptIds', 'prompt'],
  ['badWords[3]', 'bad_words[3]'],
  ['topK', 'top_k'],
])('a refusal of %s names %s', (field, param) => {
  const error = toApiError(lower('out_of_range', `${field} is 7, expected 1..3`, { field }))
  expect(error).toMatchObject({ status: 400, param, message: `${param} is 7, expected 1..3` })
})

test('an unknown failure tells nothing of itself', () => {
  const error = toApiError(new Error('assertion failed at /home/x 0xdeadbeef'))
  expect(error).toMatchObject({ code: 'internal', status: 500, param: null })
  expect(error.message).not.toContain('home')
})

test('a message with a path in it stays in the log', () => {
  const error = toApiError(lower('engine_died', 'cannot open /proc/12/mem'))
  expect(error.message).toBe(
    "The request ended with engine_died; the server's log has the reason by request id.",
  )
})
