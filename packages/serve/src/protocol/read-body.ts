import type { IncomingMessage } from 'node:http'
import { ApiError } from '../errors/api-error.js'
import type { Limits } from '../limits.js'
import { scanJson } from './scan-json.js'

/** Collects a request body within the limits on bytes and chunks. @throws ApiError `payload_too_large`. */
export async function readBody(payload: IncomingMessage, limits: Limits): Promise<Buffer> {
  const tooLarge = () =>
    new ApiError('payload_too_large', `The body is larger than ${limits.bodyBytes} bytes.`, {
      headers: { connection: 'close' },
    })
  if (Number(payload.headers['content-length'] ?? 0) > limits.bodyBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  return await new Promise<Buffer>((resolve, reject) => {
    // A refused body is still read and dropped (bounded by the body timeout), or its sender would see a reset
    // connection instead of the answer.
    const refuse = (error: ApiError) => {
      payload.removeAllListeners('data')
      payload.resume()
      reject(error)
    }
    payload.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limits.bodyBytes) refuse(tooLarge())
      else if (chunks.push(chunk) > limits.bodyChunks)
        refuse(
          new ApiError('payload_too_large', `The body came in more than ${limits.bodyChunks} chunks.`, {
            headers: { connection: 'close' },
          }),
        )
    })
    payload.on('end', () => resolve(Buffer.concat(chunks, size)))
    payload.on('error', reject)
    payload.on('close', () =>
      reject(new ApiError('cancelled', 'The client left before its body was complete.')),
    )
  })
}

/** Parses a JSON body after bounding its shape. @throws ApiError `invalid_request` with the reason. */
export function parseJsonBody(body: Buffer, limits: Limits): unknown {
  scanJson(body, limits)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new ApiError('invalid_request', 'The body is not valid UTF-8.')
  }
  if (text.trim() === '') throw new ApiError('invalid_request', 'The body is empty; expected a JSON object.')
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    const where = position === undefined ? '' : ` near character ${position}`
    throw new ApiError('invalid_request', `The body is not valid JSON${where}.`)
  }
}
