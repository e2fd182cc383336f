import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { badRequests, chat, messages } from './testing/bad-requests.js'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

let server: EchoServer
beforeAll(async () => {
  server = await startEchoServer({ echo: { maxSeqLen: 64 } })
})
afterAll(() => server.stop())

describe('a bad request fails alone, typed, naming its field', () => {
  test.each(badRequests)('%s', async (_what, path, body, status, code, param, message) => {
    const { response, text } = await server.post(path, body)
    const answer = JSON.parse(text)
    expect(answer.error).toMatchObject({ code, param, message })
    expect(response.status).toBe(status)
    expect(answer.error.type).toBeTypeOf('string')
    expect(answer.request_id).toBe(response.headers.get('x-request-id'))
    expect(text).not.toMatch(/0x[0-9a-f]{6}|\/(home|tmp|root|proc)\/|\n\s+at /)
  })

  test('the server is as good as before', async () => {
    expect((await server.post(chat, { messages })).response.status).toBe(200)
    expect(server.context.active.size).toBe(0)
    expect(server.model.open.size).toBe(0)
  })
})

describe('body limits', () => {
  test('a body over 8 MiB is refused with 413', async () => {
    const { response, text } = await server.post(chat, `{"user":"${'x'.repeat(8 * 1024 * 1024)}"}`)
    expect(response.status).toBe(413)
    expect(JSON.parse(text).error.message).toBe('The body is larger than 8388608 bytes.')
  })

  test.each([
    ['a compressed body', { 'content-encoding': 'gzip' }, 'content-encoding'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'content-type'],
  ])('%s is refused with 415', async (_what, headers, param) => {
    const { response, text } = await server.post(chat, '{}', headers)
    expect(response.status).toBe(415)
    expect(JSON.parse(text).error).toMatchObject({ code: 'unsupported', param })
  })

  test('bytes that are not UTF-8 are refused', async () => {
    const response = await fetch(server.url + chat, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Uint8Array.of(0x22, 0xff, 0x22),
    })
    expect(await response.json()).toMatchObject({ error: { message: 'The body is not valid UTF-8.' } })
  })
})

describe('fields beyond the registry', () => {
  test('unknown ones are ignored with a header, neutral and null ones without', async () => {
    const body = {
      messages,
      frobnicate: 1,
      best_of: 1,
      store: true,
      tools: null,
      suffix: null,
      temperature: null,
    }
    const { response } = await server.post(chat, body)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-trtllm-ignored-fields')).toBe('frobnicate')
  })

  test('__proto__ reaches nothing', async () => {
    const { response } = await server.post(
      chat,
      `{"messages":${JSON.stringify(messages)},"__proto__":{"stream":true}}`,
    )
    expect(response.headers.get('content-type')).toContain('application/json')
  })
})
