import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../errors/api-error.js'
import type { Limits } from '../limits.js'

const digest = (key: string) => createHash('sha256').update(key).digest()

/**
 * Makes the check of Authorization headers. Digests are compared in constant time, all of them, so that neither length
 * nor position of a key shows in the time. @returns a function that throws ApiError `unauthorized`.
 */
export function keyCheck(keys: readonly string[]): (request: IncomingMessage) => string | undefined {
  const digests = keys.map(digest)
  return (request) => {
    if (digests.length === 0) return undefined
    const headers = request.headersDistinct.authorization ?? []
    const token = headers.length === 1 ? /^bearer +(\S+) *$/i.exec(headers[0]!)?.[1] : undefined
    const given = digest(token ?? '')
    let known = -1
    for (const [number, each] of digests.entries()) if (timingSafeEqual(each, given)) known = number
    if (token !== undefined && known >= 0) return `key ${known}`
    throw new ApiError(
      'unauthorized',
      'A valid key is needed: send the header Authorization: Bearer <key>.',
      {
        headers: { 'www-authenticate': 'Bearer' },
      },
    )
  }
}

/** Refuses requests whose headers alone are too many, or whose body is compressed. */
export function checkHeaders(request: IncomingMessage, limits: Limits): void {
  if (request.rawHeaders.length / 2 > limits.headerCount)
    throw new ApiError('payload_too_large', `The request has more than ${limits.headerCount} headers.`, {
      status: 431,
      headers: { connection: 'close' },
    })
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ApiError(
      'unsupported',
      'Compressed bodies are not accepted; send the body without Content-Encoding.',
      {
        status: 415,
        param: 'content-encoding',
      },
    )
}

/** The client's X-Request-Id where it is short and plain, else a new id. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given
  return `req-${randomUUID().replaceAll('-', '')}`
}
