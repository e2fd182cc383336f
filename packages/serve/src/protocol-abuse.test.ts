import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

let server: EchoServer
beforeAll(async () => {
  server = await startEchoServer({ limits: { headersTimeoutMs: 200, bodyTimeoutMs: 400, bodyChunks: 64 } })
})
afterAll(() => server.stop())

/** Sends bytes as they are and reads until the server hangs up. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8').on('data', (part) => (answer += part))
    socket.on('close', () => resolve(answer))
    socket.on('error', (error: NodeJS.ErrnoException) => (answer === '' ? reject(error) : resolve(answer)))
  })
}

const post =
  'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n'
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`
const manyHeaders = Array.from({ length: 120 }, (_, at) => `X-${at}: 1\r\n`).join('')
const tinyChunks = '1\r\n \r\n'.repeat(100)

/** [what, bytes, status, code] */
const table: [string, string, number, string][] = [
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid_request'],
  ['TLS bytes', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400, 'invalid_request'],
  ['two content lengths', `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'invalid_request'],
  ['a negative length', `${post}Content-Length: -2\r\n\r\n{}`, 400, 'invalid_request'],
  [
    'length and chunks',
    `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    'invalid_request',
  ],
  ['a NUL in a header', `${post}X: a\0b\r\n\r\n`, 400, 'invalid_request'],
  ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400, ''],
  ['17 KiB of headers', `${post}X: ${'a'.repeat(17 * 1024)}\r\n\r\n`, 431, 'payload_too_large'],
  ['120 headers', `${post}${manyHeaders}Content-Length: 2\r\n\r\n{}`, 431, 'payload_too_large'],
  ['headers that never end', 'GET /health HTTP/1.1\r\nX: ', 408, 'slow_client'],
  ['a body that never ends', `${post}Content-Length: 10\r\n\r\n{`, 408, 'slow_client'],
  ['a chunk that never comes', `${chunked}ffffffff\r\n{`, 408, 'slow_client'],
  [
    'a broken escape in the path',
    'GET /v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    400,
    'invalid_request',
  ],
]

describe('bytes that are no good request', () => {
  test.each(table)('%s', async (_what, bytes, status, code) => {
    const answer = await raw(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    if (code !== '') expect(answer).toContain(`"code":"${code}"`)
  })

  test('a length beyond the limit is refused before its body is read', async () => {
    expect(await raw(`${post}Content-Length: 999999999\r\n\r\n`)).toContain('"code":"payload_too_large"')
  })

  test('tiny chunks are refused by count', async () => {
    expect(await raw(`${chunked}${tinyChunks}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (413|400) /)
  })

  test('the server is as good as before', async () => {
    expect((await server.post('/v1/completions', { prompt: 'fine' })).text).toContain('fine')
    expect(server.context.active.size).toBe(0)
  })
})
