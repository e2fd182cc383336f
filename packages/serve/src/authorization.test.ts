import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoServer, startEchoServer } from './testing/start-echo-server.js'

const key = 'sk-Correct-Horse-1'
let server: EchoServer
beforeAll(async () => {
  server = await startEchoServer({ apiKeys: ['another-key', key] })
})
afterAll(() => server.stop())

const open = ['/health', '/health/live', '/health/ready']
const closed: [string, string][] = [
  ['GET', '/v1/models'],
  ['GET', '/v1/models/echo'],
  ['GET', '/version'],
  ['GET', '/metrics'],
  ['GET', '/prometheus/metrics'],
  ['POST', '/kv_cache_events'],
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/completions'],
]
const wrong: [string, Record<string, string>][] = [
  ['no key', {}],
  ['an empty key', { authorization: 'Bearer ' }],
  ['a wrong key', { authorization: 'Bearer nope' }],
  ['other case', { authorization: `Bearer ${key.toLowerCase()}` }],
  ['a prefix', { authorization: `Bearer ${key.slice(0, -1)}` }],
  ['more than the key', { authorization: `Bearer ${key}x` }],
  ['two keys', { authorization: `Bearer ${key} ${key}` }],
  ['another scheme', { authorization: `Basic ${key}` }],
  ['another header', { 'x-api-key': key }],
]
const aliases = [
  '//v1/models',
  '/v1//models',
  '/v1%2fmodels',
  '/V1/MODELS',
  '/v1/models/',
  '/v1/models.',
  '/v1/models?x',
  '/./v1/models',
  '/health/../v1/models',
  '/health/%2e%2e/metrics',
  '/nothing',
]

/** Sends bytes as they are and reads until the server hangs up. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(request))
    socket.setEncoding('utf8').on('data', (part) => (answer += part))
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}

describe('a server with keys', () => {
  test('covers every route there is', () => {
    const routes = server.app.printRoutes({ commonPrefix: false, includeHooks: false })
    const known = [...open, ...closed.map(([, path]) => path)].map((path) => path.split('/').at(-1))
    const leaves = [...routes.matchAll(/(\S+) \(/g)].map(([, leaf]) =>
      leaf!.split('/').at(-1)!.replace('*', 'echo'),
    )
    expect(leaves.filter((leaf) => leaf !== '' && !known.includes(leaf))).toEqual([])
  })

  test.each(open)('%s needs none', async (path) => {
    expect((await fetch(server.url + path)).status).toBe(200)
  })

  describe.each(closed)('%s %s', (method, path) => {
    test.each(wrong)('%s gets 401', async (_what, headers) => {
      const response = await fetch(server.url + path, { method, headers })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json()).toMatchObject({
        error: { code: 'unauthorized', type: 'authentication_error' },
      })
    })

    test('the key opens it', async () => {
      const headers = { authorization: `Bearer ${key}` }
      expect((await fetch(server.url + path, { method, headers })).status).not.toBe(401)
    })
  })

  test.each(aliases)('%s is no way around', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (401|400) /)
  })

  test.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])('%s is no way around', async (method) => {
    expect((await fetch(`${server.url}/v1/models`, { method })).status).toBe(401)
  })

  test('absolute form, HTTP/1.0 and two Authorization headers are no way around', async () => {
    const absolute = await raw('GET http://x/v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(absolute).toMatch(/^HTTP\/1\.1 401 /)
    expect(await raw('GET /v1/models HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 401 /)
    const twice = `Authorization: Bearer ${key}\r\nAuthorization: Bearer nope\r\n`
    const answer = await raw(`GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${twice}\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('the engine hears whose key it was, by its number', async () => {
    const body = JSON.stringify({ model: 'echo', prompt: 'ab', max_tokens: 2 })
    for (const given of [key, 'another-key']) {
      const headers = { authorization: `Bearer ${given}`, 'content-type': 'application/json' }
      expect((await fetch(`${server.url}/v1/completions`, { method: 'POST', headers, body })).status).toBe(
        200,
      )
    }
    expect(server.model.seen.slice(-2).map(({ fairnessKey }) => fairnessKey)).toEqual(['key 1', 'key 0'])
  })

  test('no error says the key', async () => {
    const response = await fetch(`${server.url}/nothing/${key}`, {
      headers: { authorization: 'Bearer nope' },
    })
    expect(await response.text()).not.toContain(key)
  })
})
