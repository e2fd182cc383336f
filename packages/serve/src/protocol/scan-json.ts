import { ApiError } from '../errors/api-error.js'

const quote = 0x22
const backslash = 0x5c
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d]
const colon = 0x3a

/**
 * Counts nesting and keys of a JSON text in one pass over its bytes, without recursion and without building anything,
 * so that hostile bodies are refused before JSON.parse allocates for them. It does not validate JSON otherwise.
 * @throws ApiError `invalid_request` beyond the limits.
 */
export function scanJson(bytes: Uint8Array, limits: { jsonDepth: number; jsonKeys: number }): void {
  let depth = 0
  let keys = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
    } else if (byte === openObject || byte === openArray) {
      if (++depth > limits.jsonDepth)
        throw new ApiError('invalid_request', `The body nests deeper than ${limits.jsonDepth} levels.`)
    } else if (byte === closeObject || byte === closeArray) depth--
    else if (byte === colon && ++keys > limits.jsonKeys)
      throw new ApiError('invalid_request', `The body has more than ${limits.jsonKeys} keys.`)
  }
}
