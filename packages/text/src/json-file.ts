import { readFileSync } from 'node:fs'
import { badTokenizer } from './bad-tokenizer.js'

export type JsonObject = Record<string, unknown>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a JSON object. @throws TrtllmError bad_tokenizer when the file cannot be read or is something else. */
export function readJsonObject(file: string): JsonObject {
  const value = parse(file, readText(file))
  if (isObject(value)) return value
  throw badTokenizer(`${file}: expected a JSON object, found ${show(value)}`)
}

/** Reads a text file. @throws TrtllmError bad_tokenizer when that fails. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw badTokenizer(`${file}: cannot be read: ${(error as Error).message}`, error)
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const size = `${Buffer.byteLength(text)} bytes`
    throw badTokenizer(
      `${file}: not valid JSON (${size}): ${(error as Error).message}; the download may be incomplete`,
      error,
    )
  }
}

/** A value as messages spell it. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
